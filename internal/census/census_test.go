package census_test

import (
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"

	"go.uber.org/goleak"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestClip(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", ""},
		{"/chat", "/chat"},
		{"a\xff", "a\uFFFD"},
		{strings.Repeat("x", 200), strings.Repeat("x", 200)},
		{strings.Repeat("x", 201), strings.Repeat("x", 197) + "…"},
		{"x" + strings.Repeat("é", 200), "x" + strings.Repeat("é", 98) + "…"},
	} {
		got := census.Clip(test.text)
		if got != test.want || len(got) > 200 || !utf8.ValidString(got) {
			t.Errorf("%q: %q, want %q", test.text, got, test.want)
		}
	}
	if got := census.Path("/a?token=secret"); got != "/a" {
		t.Errorf("path %q", got)
	}
}

type wearer struct {
	parley.Conn
	badge census.Badge
}

func (w *wearer) Badge() *census.Badge { return &w.badge }

type wrapper struct{ parley.Conn }

func (w wrapper) Unwrap() parley.Conn { return w.Conn }

func TestBadge(t *testing.T) {
	worn := new(wearer)
	badge := census.BadgeOf(wrapper{wrapper{worn}})
	if badge != &worn.badge || census.BadgeOf(wrapper{struct{ parley.Conn }{worn}}) != nil {
		t.Fatal("another badge")
	}
	route, user := "/chat/{room}", strings.Repeat("x", 1000)
	if badge.HasRoute() {
		t.Error("has a route")
	}
	badge.SetRoute(&route)
	badge.SetUser(&user)
	if r, u := badge.Read(); r != route || u != census.Clip(user) || !badge.HasRoute() {
		t.Errorf("%q, %q", r, u)
	}
	badge.Clear()
	badge.Clear()
	if r, u := badge.Read(); r+u != "" {
		t.Errorf("cleared: %q, %q", r, u)
	}
}

// What is remembered of a conversation keeps no request in memory.
func TestEndingsAreCopies(t *testing.T) {
	target := strings.Repeat("/long", 10_000)
	var endings census.Endings
	endings.Add(parley.Ending{Conversation: parley.Conversation{Path: target[:10]}})
	got := endings.Latest()[0].Path
	if got != target[:10] || unsafe.StringData(got) == unsafe.StringData(target) {
		t.Errorf("%q is part of the request", got)
	}
}

func TestEndings(t *testing.T) {
	var endings census.Endings
	if got := endings.Latest(); len(got) != 0 {
		t.Errorf("at first %v", got)
	}
	for i := range 150 {
		endings.Add(parley.Ending{Code: parley.CloseCode(i)})
		list := endings.Latest()
		if len(list) != min(i+1, 64) {
			t.Fatalf("%d after %d", len(list), i+1)
		}
		for n, ending := range list {
			if int(ending.Code) != i-n {
				t.Fatalf("after %d, the one at %d is %d", i, n, ending.Code)
			}
		}
	}
}
