package channel_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parleygo/parley/channel"
)

func TestHashed(t *testing.T) {
	const empty = "4oymiquy7qobjgx36tejs35zeqt24qpemsnzgtfeswmrw6csxbkq" // SHA-256 of nothing
	for text, readable := range map[string]string{
		"":                        "",
		"lobby":                   "lobby",
		"room.Café crème":         "room.Caf__cr_me",
		"a!b\x00\xff\n":           "a_b___",
		"..x":                     "..x",
		strings.Repeat("ö", 1000): strings.Repeat("_", 47),
		strings.Repeat("x", 1000): strings.Repeat("x", 47),
		strings.Repeat("x", 47):   strings.Repeat("x", 47),
		strings.Repeat("x", 46):   strings.Repeat("x", 46),
	} {
		group := channel.Hashed(text)
		if _, err := channel.ParseGroup(string(group)); err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
		cut := strings.LastIndexByte(string(group), '.')
		got, hash := string(group[:max(cut, 0)]), string(group[cut+1:])
		if got != readable || len(hash) != len(empty) || (hash == empty) != (text == "") {
			t.Errorf("%.20q is %q", text, group)
		}
	}
}

func FuzzHashed(f *testing.F) {
	f.Add("room.1", "room 1")
	f.Add("", ".")
	f.Fuzz(func(t *testing.T, a, b string) {
		one, other := channel.Hashed(a), channel.Hashed(b)
		if _, err := channel.ParseGroup(string(one)); err != nil {
			t.Error(err)
		}
		if (one == other) != (a == b) {
			t.Errorf("%q is %q, %q is %q", a, one, b, other)
		}
	})
}

// A group for whatever a user has typed.
func ExampleHashed() {
	fmt.Println(channel.Hashed("room.Café"))
	// Output: room.Caf_.jufcr6mjvntt7tmprxtja7ytiptrrzsyks5the2wjunqc5gufhkq
}
