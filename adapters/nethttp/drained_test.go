package nethttp_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// waiting is what an app waits for.
type waiting struct{ leave chan struct{} } // closed one second into the drain

// drainedCases are conversations, and how they are counted.
var drainedCases = []struct {
	name    string
	request string
	app     func(ctx context.Context, conn parley.Conn, s waiting) error
	deaf    bool // the client does not read
	cut     bool // the drain ends before
	want    nethttp.DrainReport
}{
	{"request finishes", getting("/"), func(ctx context.Context, conn parley.Conn, s waiting) error {
		<-s.leave
		return respond(ctx, conn, "done")
	}, false, false, nethttp.DrainReport{Requests: nethttp.DrainCount{Finished: 1}}},
	{"request is told", getting("/"), func(ctx context.Context, _ parley.Conn, _ waiting) error {
		<-ctx.Done()
		return ctx.Err()
	}, false, false, nethttp.DrainReport{Requests: nethttp.DrainCount{Closed: 1}}},
	{"request is cut", getting("/"), func(ctx context.Context, _ parley.Conn, s waiting) error {
		ctx.Done()
		<-s.leave
		return nil
	}, false, true, nethttp.DrainReport{Requests: nethttp.DrainCount{Cut: 1}}},
	{"stream finishes", getting("/"), func(ctx context.Context, conn parley.Conn, s waiting) error {
		ctx = context.WithoutCancel(ctx)
		conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
		conn.Send(ctx, parley.HTTPResponseBody{More: true})
		<-s.leave
		return conn.Send(ctx, parley.HTTPResponseBody{})
	}, false, false, nethttp.DrainReport{Streams: nethttp.DrainCount{Finished: 1}}},
	{"stream is told", getting("/"), func(ctx context.Context, conn parley.Conn, _ waiting) error {
		conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
		conn.Send(ctx, parley.HTTPResponseBody{More: true})
		<-ctx.Done()
		return conn.Send(context.WithoutCancel(ctx), parley.HTTPResponseBody{})
	}, false, false, nethttp.DrainReport{Streams: nethttp.DrainCount{Closed: 1}}},
	{"socket finishes", getting("/", upgrade...), func(ctx context.Context, conn parley.Conn, s waiting) error {
		conn.Receive(ctx)
		conn.Send(ctx, parley.WebSocketAccept{})
		conn.Send(ctx, parley.WebSocketClose{})
		<-s.leave
		return nil
	}, false, false, nethttp.DrainReport{WebSockets: nethttp.DrainCount{Finished: 1}}},
	{"socket is closed", getting("/", upgrade...), func(ctx context.Context, conn parley.Conn, _ waiting) error {
		conn.Receive(ctx)
		conn.Send(ctx, parley.WebSocketAccept{})
		_, err := conn.Receive(ctx)
		return err
	}, false, false, nethttp.DrainReport{WebSockets: nethttp.DrainCount{Closed: 1}}},
	{"socket hears no goodbye", getting("/", upgrade...), func(ctx context.Context, conn parley.Conn, _ waiting) error {
		conn.Receive(ctx)
		conn.Send(ctx, parley.WebSocketAccept{})
		_, err := conn.Receive(ctx)
		return err
	}, true, false, nethttp.DrainReport{WebSockets: nethttp.DrainCount{Cut: 1}}},
	{"socket is cut", getting("/", upgrade...), func(ctx context.Context, conn parley.Conn, s waiting) error {
		conn.Receive(ctx)
		conn.Send(ctx, parley.WebSocketAccept{})
		<-s.leave
		return nil
	}, false, true, nethttp.DrainReport{WebSockets: nethttp.DrainCount{Cut: 1}}},
	{"denied handshake", getting("/", upgrade...), func(ctx context.Context, _ parley.Conn, s waiting) error {
		<-s.leave
		return nil
	}, false, false, nethttp.DrainReport{}},
}

// TestC18Drained: each kind of conversation, by how it ended.
func TestC18Drained(t *testing.T) {
	for _, c := range drainedCases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := waiting{leave: make(chan struct{})}
				g := gateway(httpApp(func(ctx context.Context, conn parley.Conn) error { return c.app(ctx, conn, s) }))
				client := adaptertest.ServeInBubble(t, g).Dial()
				client.Say("%s", c.request)
				if c.deaf {
					client.RawHead()
				} else {
					go client.Rest()
				}
				synctest.Wait()
				if got := g.Drained(); got != (nethttp.DrainReport{}) {
					t.Errorf("before: %+v", got)
				}
				if !c.cut {
					time.AfterFunc(time.Second, func() { close(s.leave) })
				}
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				if err := g.Drain(ctx); (err != nil) != c.cut {
					t.Errorf("drain: %v", err)
				}
				time.Sleep(time.Minute) // some have not been waited for
				synctest.Wait()
				if got := g.Drained(); got != c.want {
					t.Errorf("%+v, want %+v", got, c.want)
				}
				if c.cut {
					close(s.leave)
				}
				client.Conn.Close()
				synctest.Wait()
				if got := g.Drained(); got != c.want {
					t.Errorf("at last: %+v, want %+v", got, c.want)
				}
			})
		})
	}
}
