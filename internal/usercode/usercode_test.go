package usercode_test

import (
	"errors"
	"fmt"
	"io"
	"net"
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
	{"nil pointer", func() error { return nilPointer }, []error{parley.ErrAppPanic}},
	{"nil pointer below", func() error { return fmt.Errorf("a: %w", nilPointer) }, []error{parley.ErrAppPanic}},
	{"error that panics", func() error { return bad{} }, []error{parley.ErrAppPanic}},
	{"panic with a nil pointer", func() error { panic(nilPointer) }, []error{parley.ErrAppPanic}},
	{"exit", func() error { runtime.Goexit(); return nil }, []error{parley.ErrGoexit}},
}

// nilPointer is what is returned by mistake: its Unwrap panics.
var nilPointer error = (*net.OpError)(nil)

// bad is an error of which nothing can be asked.
type bad struct{}

func (bad) Error() string { panic("no") }
func (bad) Is(error) bool { panic("no") }

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

// TestSound: what is in order passes unchanged, and of what is not the type is told.
func TestSound(t *testing.T) {
	for _, err := range []error{nil, io.EOF, fmt.Errorf("a: %w", io.EOF), parley.NewPanicError("a")} {
		if got := usercode.Sound(err); got != err {
			t.Errorf("of %v became %v", err, got)
		}
	}
	if got := usercode.Sound(nilPointer); !strings.Contains(got.Error(), "*net.OpError") {
		t.Errorf("a nil pointer became %v", got)
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
