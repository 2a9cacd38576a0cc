package nats

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

func TestEncode(t *testing.T) {
	for subject, want := range map[string]string{
		"parley.group.room": "parley.group.room",
		"a!b":               "a=21b",
		"!":                 "=21",
		".":                 "=.=",
		"..a.":              "=.=.a.=",
		"_INBOX.x":          "_INBOX.x",
	} {
		if got, err := encode(subject); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", subject, got, err, want)
		}
	}
}

// FuzzEncode: what is a subject has tokens that lead back to it, and to nothing else,
// and none of them can be a wildcard.
func FuzzEncode(f *testing.F) {
	for _, subject := range []string{"parley.group.room", "a!b", "..", "*", "a.>", "=", "a=21b", "\n", ""} {
		f.Add(subject)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		tokens, err := encode(subject)
		if err != nil {
			return
		}
		if back, ok := decode(tokens); !ok || back != subject {
			t.Errorf("%q became %q and %q", subject, tokens, back)
		}
		for _, one := range strings.Split(tokens, ".") {
			if one == "" || strings.ContainsAny(one, "*> \t\r\n") {
				t.Errorf("%q became %q", subject, tokens)
			}
		}
	})
}

// FuzzToken: any text, such as the key of a record.
func FuzzToken(f *testing.F) {
	f.Add("member")
	f.Add("a=b.c *>\r\n\x00é")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if back, ok := untoken(token(text)); !ok || back != text {
			t.Errorf("%q became %q and %q", text, token(text), back)
		}
		if back, ok := untoken(text); ok && token(back) != text {
			t.Errorf("%q was read as %q", text, back)
		}
	})
}

type nobody struct{}

func (*nobody) InProcessConn() (net.Conn, error) { return nil, net.ErrClosed }

func TestMistakesInOptions(t *testing.T) {
	for field, o := range map[string]Options{
		"Prefix":    {Prefix: "a.b"},
		"Servers":   {Servers: []string{"x"}, InProcess: new(nobody)},
		"Timeout":   {Timeout: -1},
		"Heartbeat": {Heartbeat: -1},
		"Replicas":  {Replicas: -1},
	} {
		func() {
			defer func() {
				if text := fmt.Sprint(recover()); !strings.Contains(text, "nats: Options."+field) {
					t.Errorf("%s: panics with %q", field, text)
				}
			}()
			_, _ = New(o)
		}()
	}
	for _, prefix := range []string{"_INBOX", "a b", "*", ">", "$JS", strings.Repeat("p", 33)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("prefix %q is taken", prefix)
				}
			}()
			_, _ = New(Options{Prefix: prefix})
		}()
	}
}

func TestBackoff(t *testing.T) {
	o := Options{}.withDefaults()
	for attempts := range 100 {
		if pause := o.backoff(attempts); pause <= 0 || pause > o.MaxBackoff {
			t.Errorf("attempt %d: %v", attempts, pause)
		}
	}
}
