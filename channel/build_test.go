package channel_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley/channel"
)

// What can only be a mistake in the wiring panics there, and says which field it is.
func TestMistakesInOptions(t *testing.T) {
	layer := newLayer(t, channel.Options{})
	for _, test := range []struct {
		mistake func()
		words   []string
	}{
		{func() { channel.New(channel.Options{Namespace: "a b"}) },
			[]string{"channel: Options.Namespace", `"a b"`, "letters"}},
		{func() { channel.New(channel.Options{Namespace: strings.Repeat("n", 101)}) },
			[]string{"channel: Options.Namespace", "101 bytes"}},
		{func() { channel.New(channel.Options{Namespace: "a.group.b"}) },
			[]string{"channel: Options.Namespace", `"a.group.b"`, "another"}},
		{func() { channel.New(channel.Options{Namespace: "a.layer"}) },
			[]string{"channel: Options.Namespace", `"a.layer"`, "another"}},
		{func() { channel.New(channel.Options{Rules: []channel.Rule{{Pattern: "x"}, {Pattern: "[a"}}}) },
			[]string{"channel: Options.Rules[1].Pattern", `"[a"`, "syntax error"}},
		{func() { open(t, layer, channel.InboxOptions{Policy: 9}) },
			[]string{"channel: InboxOptions.Policy", "9"}},
	} {
		func() {
			defer func() {
				text := fmt.Sprint(recover())
				for _, word := range test.words {
					if !strings.Contains(text, word) {
						t.Errorf("panics with %q, which lacks %q", text, word)
					}
				}
			}()
			test.mistake()
		}()
	}
}

// Zero is the default and negative is no limit, in every field.
func TestNoLimit(t *testing.T) {
	layer := newLayer(t, channel.Options{
		Capacity: channel.Capacity{Messages: -1, Bytes: -1}, MaxMessage: -1, Expiry: math.MaxInt64 - 1,
		Rules: []channel.Rule{{Pattern: "few", Capacity: channel.Capacity{Messages: 2}}},
	})
	large := channel.NewMessage("large", make([]byte, 2<<20))
	for name, want := range map[channel.Name]int{"many": 1000, "few": 2} {
		open(t, layer, channel.InboxOptions{Name: name})
		taken := 0
		for range 1000 {
			if layer.Send(ctx, name, large) == nil {
				taken++
			}
		}
		if taken != want {
			t.Errorf("%s takes %d, want %d", name, taken, want)
		}
	}
	own := open(t, layer, channel.InboxOptions{Name: "own", Capacity: channel.Capacity{Messages: 1}})
	if err := layer.Send(ctx, own.Name(), large); err != nil {
		t.Error(err)
	}
	time.Sleep(time.Nanosecond) // nothing expires for the reason that a clock overflows
	if _, err := own.Receive(ctx); err != nil {
		t.Error(err)
	}
}
