package nethttp_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/internal/protocol"
)

// TestDrainLetsHandlersFinish: a socket whose app is at work on a message is closed
// when it asks for the next one, behind its answer, or when its time is over.
func TestDrainLetsHandlersFinish(t *testing.T) {
	for _, c := range []struct {
		name   string
		buffer []byte // that the app reads into
		work   time.Duration
		want   string
	}{
		{"in time", nil, time.Second, "\x81\x04done\x88\x02\x03\xf4"},
		{"with its own buffer", make([]byte, 10), time.Second, "\x81\x04done\x88\x02\x03\xf4"},
		{"too late", nil, 8 * time.Second, "\x88\x02\x03\xf4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := gateway(parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
					if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
						return err
					}
					read := ws.Read
					if c.buffer != nil {
						read = func(ctx context.Context) (parley.WebSocketReceive, error) {
							return ws.ReadInto(ctx, c.buffer)
						}
					}
					message, err := read(ctx)
					for ; err == nil; message, err = read(ctx) {
						time.Sleep(c.work)
						if err := ws.Write(ctx, parley.Text(message.Text())); err != nil {
							return err
						}
					}
					return err
				}))
				client := adaptertest.ServeInBubble(t, g).Dial()
				client.Say("%s", getting("/", upgrade...))
				client.RawHead()
				client.Say("%s", text("done"))
				synctest.Wait()
				drained := make(chan error, 1)
				go func() { drained <- g.Drain(t.Context()) }()
				frames := make([]byte, len(c.want))
				if _, err := io.ReadFull(client, frames); err != nil || string(frames) != c.want {
					t.Errorf("got %q, %v, want %q", frames, err, c.want)
				}
				client.Say("%s", goodbye)
				if err := <-drained; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestDrainKnowsOfHandlersBesideReceive: an app that handles messages while it asks
// for the next says so, through whatever wraps the conn.
func TestDrainKnowsOfHandlersBesideReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
			conn.Receive(ctx)
			conn.Send(ctx, parley.WebSocketAccept{})
			server := protocol.HandlingOf(conn)
			var handlers sync.WaitGroup
			defer handlers.Wait()
			for {
				event, err := conn.Receive(ctx)
				message, ok := event.(parley.WebSocketReceive)
				if !ok || err != nil {
					return err
				}
				server.Handling(1)
				handlers.Go(func() {
					defer server.Handling(-1)
					time.Sleep(time.Second)
					conn.Send(ctx, parley.Text(message.Text()))
				})
			}
		})
		g := gateway(parley.Chain(app, headed))
		client := adaptertest.ServeInBubble(t, g).Dial()
		client.Say("%s", getting("/", upgrade...))
		client.RawHead()
		client.Say("%s", text("done")+text("also"))
		synctest.Wait()
		drained := make(chan error, 1)
		go func() { drained <- g.Drain(t.Context()) }()
		const want = "\x81\x04done\x81\x04also\x88\x02\x03\xf4"
		frames := make([]byte, len(want))
		_, err := io.ReadFull(client, frames)
		got := strings.ReplaceAll(string(frames), "\x81\x04also\x81\x04done", "\x81\x04done\x81\x04also")
		if err != nil || got != want {
			t.Errorf("got %q, %v", got, err)
		}
		client.Say("%s", goodbye)
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
}

// headed is middleware that wraps the conn and lets messages pass unchanged.
func headed(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return next.Serve(ctx, scope, unwrapped{conn})
	})
}

type unwrapped struct{ parley.Conn }

func (u unwrapped) Unwrap() parley.Conn { return u.Conn }
