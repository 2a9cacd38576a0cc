package channel

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// shelfLayer is a layer that is alone and keeps rooms for a minute.
func shelfLayer() *Layer {
	return New(Options{History: []HistoryRule{{"room.*", Keep{Messages: 10, Age: time.Minute}}}})
}

// visit joins a group, as a consumer does for whoever names it, and leaves. It returns
// where the group's log is.
func visit(t *testing.T, l *Layer, group Group) (at Position) {
	t.Helper()
	inbox, err := l.Open(t.Context(), InboxOptions{Prefix: "visitor"})
	if err != nil {
		t.Fatal(err)
	}
	defer inbox.Close()
	err = inbox.Resume(t.Context(), group, Newest, func(r Resumed) error {
		at = r.Position
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func say(t *testing.T, l *Layer, group Group) (at Position) {
	t.Helper()
	if _, err := l.GroupSend(t.Context(), group, NewMessage("line", []byte("hello"))); err != nil {
		t.Fatal(err)
	}
	return visit(t, l, group)
}

// TestShelvesStay: a log is the same for whoever comes back, for as long as is said.
func TestShelvesStay(t *testing.T) {
	for name, test := range map[string]struct {
		use  func(*testing.T, *Layer, Group) Position
		away time.Duration
		same bool
	}{
		"nothing said":          {visit, 50 * time.Second, true},
		"nothing said for long": {visit, 2 * time.Minute, false},
		"something said":        {say, 50 * time.Minute, true},
		"said long ago":         {say, 2 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := shelfLayer()
				defer l.Close(context.WithoutCancel(t.Context()))
				before := test.use(t, l, "room.mine")
				for i := range 500 {
					visit(t, l, Group(fmt.Sprint("room.", i)))
				}
				time.Sleep(test.away)
				for i := range 500 {
					visit(t, l, Group(fmt.Sprint("room.again.", i)))
				}
				if after := visit(t, l, "room.mine"); (after == before) != test.same {
					t.Errorf("at %v before, and %v now", before, after)
				}
			})
		})
	}
}
