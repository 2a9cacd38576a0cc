package channel_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/parleygo/parley/channel"
)

func TestB6_6_B6_7_Names(t *testing.T) {
	for _, test := range []struct {
		text        string
		name, group bool // valid as such
	}{
		{"a", true, true},
		{"Chat-room_1.2", true, true},
		{".", true, true},
		{strings.Repeat("n", 100), true, true},
		{strings.Repeat("n", 99) + "!", true, false},
		{strings.Repeat("n", 100) + "!", false, false},
		{"inbox.host!random", true, false},
		{"inbox.host!", true, false}, // the reference's own receive name
		{"a!b!c", false, false},
		{"a!!", false, false},
		{"!a", false, false},
		{"!", false, false},
		{"", false, false},
		{strings.Repeat("n", 101), false, false},
		{strings.Repeat("é", 51), false, false},
		{"line\n", false, false}, // B6.7: the reference lets these two pass
		{"room٣", false, false},
		{"a!b\n", false, false},
		{"a b", false, false},
		{"a/b", false, false},
		{"a:b", false, false},
		{"a*", false, false},
		{"a\x00", false, false},
		{"\xff", false, false},
	} {
		t.Run(test.text, func(t *testing.T) {
			name, nameErr := channel.ParseName(test.text)
			group, groupErr := channel.ParseGroup(test.text)
			if (nameErr == nil) != test.name || string(name) != test.text {
				t.Errorf("name: %v", nameErr)
			}
			if (groupErr == nil) != test.group || string(group) != test.text {
				t.Errorf("group: %v", groupErr)
			}
			for _, err := range []error{nameErr, groupErr} {
				var bad *channel.NameError
				if err != nil &&
					(!errors.Is(err, channel.ErrName) || !errors.As(err, &bad) || bad.Name != test.text) {
					t.Errorf("not a NameError: %v", err)
				}
			}
		})
	}
}

func TestNameErrorSaysWhy(t *testing.T) {
	for text, want := range map[string]string{
		"":                       `channel: channel name "" is empty`,
		strings.Repeat("n", 101): `has 101 bytes, more than 100`,
		"a b":                    `channel: channel name "a b" may only hold ASCII letters, digits, '-', '_' and '.', and one '!' that is not the first`,
	} {
		if _, err := channel.ParseName(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

var (
	groupRule = regexp.MustCompile(`\A[a-zA-Z0-9._-]{1,100}\z`)
	nameRule  = regexp.MustCompile(`\A[a-zA-Z0-9._-]+(![a-zA-Z0-9._-]*)?\z`)
)

func FuzzNames(f *testing.F) {
	for _, seed := range []string{"", "a", "a!b", "!", "a\n", "٣", strings.Repeat("x", 101)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := channel.ParseGroup(text); (err == nil) != groupRule.MatchString(text) {
			t.Errorf("group: %v", err)
		}
		valid := nameRule.MatchString(text) && len(text) <= channel.MaxName
		if _, err := channel.ParseName(text); (err == nil) != valid {
			t.Errorf("name: %v", err)
		}
	})
}
