package usercode_test

import (
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/usercode"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ends = []struct {
	name string
	f    func() error
	want []error // the error matches all of them; none means nil
}{
	{"return", func() error { return nil }, nil},
	{"error", func() error { return io.EOF }, []error{io.EOF}},
	{"panic", func() error { panic("no") }, []error{parley.ErrAppPanic}},
	{"panic with an error", func() error { panic(io.EOF) }, []error{parley.ErrAppPanic, io.EOF}},
	{"exit", func() error { runtime.Goexit(); return nil }, []error{parley.ErrGoexit}},
}

func TestApart(t *testing.T) {
	for _, test := range ends {
		t.Run(test.name, func(t *testing.T) {
			check(t, usercode.Apart(test.f), test.want)
		})
	}
}

func TestRun(t *testing.T) {
	for _, test := range ends {
		t.Run(test.name, func(t *testing.T) {
			check(t, usercode.Apart(func() error { return usercode.Run(test.f) }), test.want)
		})
	}
}

func check(t *testing.T, got error, want []error) {
	t.Helper()
	if len(want) == 0 && got != nil {
		t.Errorf("ended with %v, want nil", got)
	}
	for _, err := range want {
		if !errors.Is(got, err) {
			t.Errorf("ended with %v, want %v", got, err)
		}
	}
}

func TestStackIsThatOfThePanic(t *testing.T) {
	inner := usercode.Run(func() error { panicsHere(); return nil })
	outer := usercode.Run(func() error { panic(inner) })
	var panicked *parley.PanicError
	if !errors.As(outer, &panicked) || outer != inner || !strings.Contains(string(panicked.Stack), "panicsHere") {
		t.Errorf("a panic that was passed on is %#v", outer)
	}
}

func panicsHere() { panic("here") }
