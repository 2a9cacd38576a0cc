package channel_test

import (
	"errors"
	"testing"

	"github.com/parleygo/parley/channel"
)

var positions = []string{"", ":0", "e:0", "e:1", "a.b-C_9:18446744073709551615"}

func TestPosition(t *testing.T) {
	for _, text := range positions {
		p, err := channel.ParsePosition(text)
		if err != nil || (text != "" && p.String() != text) {
			t.Errorf("%q is %v, %v", text, p, err)
		}
	}
	for _, text := range []string{":", "e", "e:", "5", ":5", "e:-1", "e:01", "e:1 ", " e:1", "e:+1",
		"a:b:1", "e:18446744073709551616", "é:1", "e\n:1"} {
		if p, err := channel.ParsePosition(text); !errors.Is(err, channel.ErrPosition) {
			t.Errorf("%q is %v, %v", text, p, err)
		}
	}
}

// What is read is written in the same way, and nothing else is read.
func FuzzPosition(f *testing.F) {
	for _, text := range positions {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := channel.ParsePosition(text)
		if err == nil && text != "" && p.String() != text {
			t.Errorf("%q is written as %q", text, p)
		}
	})
}
