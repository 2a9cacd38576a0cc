package fallback_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

// offerer accepts and gives away its conn, until the client is gone.
func offerer(conns chan<- parley.Conn) parley.App {
	return parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		conns <- ws.Conn()
		<-ctx.Done()
		return context.Cause(ctx)
	})
}

// offering sends a message that does not wait for room.
func offering(conn parley.Conn, message parley.WebSocketSend) error {
	return conn.(parley.Offerer).Offer(message)
}

// TestMemoryOfMessages: what waits for apps and for clients is bounded over all
// sessions, and one message of each may wait for its client all the same.
func TestMemoryOfMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conns := make(chan parley.Conn, 10)
		app := serve(t, offerer(conns), fallback.Options{MaxMemory: 10_000, MaxMessage: 10_000})
		first := (&client{t: t, app: app}).mustOpen()
		if got := first.post(strings.Repeat("a", 4000)); got != 204 {
			t.Errorf("a message with room: %d", got)
		}
		second := (&client{t: t, app: app}).mustOpen()
		refused := second.do("POST", strings.Repeat("b", 8000))
		if refused.Status != 503 || refused.Header.Get("Retry-After") == "" {
			t.Errorf("a message without room: %d %v", refused.Status, refused.Header)
		}
		if got := second.post("small"); got != 204 {
			t.Errorf("one that has room, behind it: %d", got)
		}
		one := parley.WebSocketSend{Data: make([]byte, 7000)}
		for range 2 {
			if err := offering(<-conns, one); err != nil {
				t.Errorf("one for each client: %v", err)
			}
		}
		if used := app.Stats().Memory; used < 18_000 || used > 19_000 {
			t.Errorf("%d bytes are held", used)
		}
		if got := (&client{t: t, app: app}).open(); got != 503 {
			t.Errorf("another session: %d", got)
		}
		settled(t, app)
	})
}

// TestMemoryOfSentMessages: what clients have on their way is kept for those that lose
// their stream, and goes where the room is needed.
func TestMemoryOfSentMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conns := make(chan parley.Conn, 10)
		app := serve(t, offerer(conns), fallback.Options{MaxMemory: 10_000, MaxMessage: 10_000})
		var clients []*client
		for range 4 {
			c := (&client{t: t, app: app, streams: true}).mustOpen()
			conn := <-conns
			for range 10 {
				if err := offering(conn, parley.Text(strings.Repeat("x", 900))); err != nil {
					t.Fatal(err)
				}
				c.message()
				time.Sleep(time.Second)
			}
			clients = append(clients, c)
		}
		if used := app.Stats().Memory; used > 10_000 {
			t.Errorf("%d bytes are held", used)
		}
		for _, c := range clients {
			c.x.Vanish()
		}
		settled(t, app)
	})
}

// TestMemoryOfWaitingApp: an app whose client does not fetch what waits finds no room,
// and goes on when there is some.
func TestMemoryOfWaitingApp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conns := make(chan parley.Conn, 10)
		app := serve(t, offerer(conns), fallback.Options{MaxMemory: 10_000, MaxMessage: 10_000})
		c := (&client{t: t, app: app}).mustOpen()
		conn := <-conns
		large := parley.Text(strings.Repeat("x", 6000))
		if err := conn.Send(t.Context(), large); err != nil {
			t.Fatal(err)
		}
		if err := offering(conn, large); !errors.Is(err, parley.ErrFull) {
			t.Errorf("a second one: %v", err)
		}
		sent := make(chan error)
		go func() { sent <- conn.Send(t.Context(), large) }()
		c.message()
		synctest.Wait()
		c.attach() // confirms it
		if err := <-sent; err != nil {
			t.Error(err)
		}
		c.x.Vanish()
		settled(t, app)
	})
}

// TestMemoryOfBodies: a message takes room as it comes in, and no more for what it says
// of its length.
func TestMemoryOfBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conns := make(chan parley.Conn, 10)
		app := serve(t, offerer(conns), fallback.Options{MaxMemory: 2_000_000})
		part := strings.Repeat("x", 900_000)
		var posts []*parleytest.Exchange
		for range 3 {
			r := (&client{t: t, app: app}).mustOpen().request("POST", "")
			r.ContentLength = 1_000_000
			posts = append(posts, parleytest.Upload(t, app, r))
			synctest.Wait()
		}
		if used := app.Stats().Memory; used > 10_000 {
			t.Errorf("%d bytes are held for nothing", used)
		}
		for i, post := range posts {
			post.Send(part)
			synctest.Wait()
			if i == 2 {
				if got := post.Status(); got != 503 {
					t.Errorf("the third body: %d", got)
				}
				break
			}
			if used := app.Stats().Memory; used < int64(i+1)*900_000 {
				t.Errorf("%d bytes are held of %d bodies", used, i+1)
			}
		}
		for _, post := range posts {
			post.Vanish()
		}
		settled(t, app)
	})
}
