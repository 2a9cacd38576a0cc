package fallback_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
)

// Who looks on sees each session with its traffic, and can end it.
func TestConversations(t *testing.T) {
	each(t, func(t *testing.T, streams bool) {
		app := serve(t, new(host).echo(), fallback.Options{})
		begun := time.Now()
		c := (&client{t: t, app: app, streams: streams}).mustOpen()
		c.post("hello")
		if got := c.message(); got != "hello" {
			t.Fatalf("got %q", got)
		}
		list := slices.Collect(app.Conversations())
		if len(list) != 1 {
			t.Fatalf("%+v", list)
		}
		got := list[0]
		want := parley.Conversation{
			ID: got.ID, Protocol: parley.WebSocket, Transport: "fallback", Path: "/chat",
			Client: "192.0.2.1:1234", Begun: begun, Open: true, Queued: got.Queued,
			QueuedBytes: got.QueuedBytes, MessagesIn: 1, BytesIn: 5, MessagesOut: 1, BytesOut: 5,
		}
		if want.Path = got.Path; got != want || got.Queued > 1 {
			t.Errorf("%+v\nwant %+v", got, want)
		}
		if app.End(got.ID+1000, parley.ErrKicked) || !app.End(got.ID, parley.ErrKicked) {
			t.Error("one is there, the other is not")
		}
		if code := c.ended(); code != parley.ClosePolicyViolation {
			t.Errorf("the client is told %d", code)
		}
		synctest.Wait()
		endings := app.Endings()
		if len(endings) != 1 || endings[0].ID != got.ID || endings[0].MessagesIn != 1 ||
			endings[0].Code != parley.ClosePolicyViolation ||
			!errors.Is(endings[0].Cause, parley.ErrKicked) {
			t.Errorf("endings %+v", endings)
		}
		for c := range app.Conversations() {
			t.Errorf("is there still: %+v", c)
		}
	})
}
