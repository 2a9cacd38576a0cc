package parleytest_test

import (
	"fmt"
	"testing"
)

// t stands in for a test's *testing.T, which an example does not have.
var t testing.TB = standIn{}

type standIn struct{ testing.TB }

func (standIn) Helper()                      {}
func (standIn) Cleanup(func())               {}
func (standIn) Logf(string, ...any)          {}
func (standIn) Fatalf(text string, a ...any) { panic(fmt.Sprintf(text, a...)) }
