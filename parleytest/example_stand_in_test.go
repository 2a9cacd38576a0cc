package parleytest_test

import (
	"fmt"
	"slices"
	"testing"
)

// t stands in for a test's *testing.T, which an example does not have.
var t standIn

type standIn struct {
	testing.TB
	cleanups *[]func() // of a subtest; an example's drivers end by themselves
}

func (standIn) Helper()                      {}
func (standIn) Logf(string, ...any)          {}
func (standIn) Errorf(text string, a ...any) { fmt.Printf(text+"\n", a...) }
func (standIn) Fatalf(text string, a ...any) { panic(fmt.Sprintf(text, a...)) }

func (t standIn) Cleanup(f func()) {
	if t.cleanups != nil {
		*t.cleanups = append(*t.cleanups, f)
	}
}

func (standIn) Run(_ string, test func(t standIn)) bool {
	sub := standIn{cleanups: new([]func())}
	test(sub)
	for _, f := range slices.Backward(*sub.cleanups) {
		f()
	}
	return true
}
