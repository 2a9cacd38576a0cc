package nethttp_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/internal/ending"
)

// conversation is an accepted socket on its way to an end.
type conversation struct {
	gateway *nethttp.Gateway
	client  *adaptertest.Client
	conn    parley.Conn
}

// causes are what a socket can end for, and how that comes about.
var causes = []struct {
	name    string
	provoke func(c conversation)
	want    error // that the cause is
}{
	{"the client says goodbye", func(c conversation) { c.client.Say("%s", goodbye) },
		&parley.CloseError{Code: 1000}},
	{"the client is gone", func(c conversation) { c.client.Close() }, parley.ErrDisconnected},
	{"the client breaks the protocol", func(c conversation) { c.client.Say("\xff\xff") }, nil},
	{"a message is too large",
		func(c conversation) { c.client.Say("\x81\xff\x00\x00\x00\x00\xff\xff\xff\xff") }, nil},
	{"the client is silent", func(c conversation) { time.Sleep(time.Hour) }, parley.ErrIdle},
	{"the app closes", func(c conversation) {
		c.conn.Send(context.Background(), parley.WebSocketClose{Code: 4000})
	}, parley.ErrClosed},
	{"the app closes and the client is gone", func(c conversation) {
		c.conn.Send(context.Background(), parley.WebSocketClose{Code: 4000})
		c.client.Close()
	}, parley.ErrClosed},
	{"the server drains", func(c conversation) { go c.gateway.Drain(context.Background()) },
		parley.ErrDraining},
	{"the server drains in haste", func(c conversation) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		c.gateway.Drain(ctx)
	}, parley.ErrDraining},
	{"a login ends", func(c conversation) { c.conn.(ending.Ender).End(parley.ErrAuthExpired) },
		parley.ErrAuthExpired},
	{"a login ends and the client is gone", func(c conversation) {
		c.conn.(ending.Ender).End(parley.ErrAuthExpired)
		c.client.Close()
	}, parley.ErrAuthExpired},
	{"a login ends in a drain", func(c conversation) {
		c.conn.(ending.Ender).End(parley.ErrAuthExpired)
		go c.gateway.Drain(context.Background())
	}, parley.ErrAuthExpired},
}

// TestOneCause: the event that ends a conversation, its context, then and for ever,
// and the error that the app makes of it tell the same.
func TestOneCause(t *testing.T) {
	for _, c := range causes {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				accepted, ended := make(chan parley.Conn, 1), make(chan struct{})
				var event parley.WebSocketDisconnect
				var then error
				var kept context.Context
				g := gateway(parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
					defer close(ended)
					kept = ctx
					conn.Receive(ctx)
					conn.Send(ctx, parley.WebSocketAccept{})
					accepted <- conn
					for {
						received, err := conn.Receive(ctx)
						if err != nil {
							return err
						}
						if gone, ok := received.(parley.WebSocketDisconnect); ok {
							event, then = gone, context.Cause(ctx)
							return gone.Err()
						}
					}
				}))
				client := adaptertest.ServeInBubble(t, g).Dial()
				client.Say("%s", getting("/", upgrade...))
				client.RawHead()
				go client.Rest() // a pipe holds nothing
				c.provoke(conversation{gateway: g, client: client, conn: <-accepted})
				<-ended
				time.Sleep(time.Minute)
				if event.Cause == nil || then != event.Cause || context.Cause(kept) != event.Cause {
					t.Errorf("the event says %v, the context then %v, and now %v", event.Cause, then,
						context.Cause(kept))
				}
				var closed *parley.CloseError
				if errors.As(c.want, &closed) {
					var got *parley.CloseError
					if !errors.As(event.Cause, &got) || got.Code != closed.Code {
						t.Errorf("ended for %v", event.Cause)
					}
				} else if c.want != nil && !errors.Is(event.Cause, c.want) {
					t.Errorf("ended for %v, want %v", event.Cause, c.want)
				}
			})
		})
	}
}

// request is an HTTP conversation on its way to an end.
type request struct {
	gateway *nethttp.Gateway
	client  *adaptertest.Client
	conn    parley.Conn
}

// httpCauses are what an HTTP conversation can end for while its app waits.
var httpCauses = []struct {
	name    string
	provoke func(r request)
	want    error
}{
	{"the client is gone", func(r request) { r.client.Close() }, parley.ErrDisconnected},
	{"the server drains", func(r request) { go r.gateway.Drain(context.Background()) },
		parley.ErrDraining},
	{"a login ends", func(r request) { r.conn.(ending.Ender).End(parley.ErrAuthExpired) },
		parley.ErrAuthExpired},
	{"a login ends and the client is gone", func(r request) {
		r.conn.(ending.Ender).End(parley.ErrAuthExpired)
		r.client.Close()
	}, parley.ErrAuthExpired},
	{"a drain, and the client is gone", func(r request) {
		go r.gateway.Drain(context.Background())
		time.Sleep(10 * time.Second)
		r.client.Close()
	}, parley.ErrDraining},
	{"the client is gone in a drain", func(r request) {
		go r.gateway.Drain(context.Background())
		r.client.Close()
	}, nil},
}

// TestOneCauseOfHTTP: likewise, whether the app waits for its context or in Receive.
func TestOneCauseOfHTTP(t *testing.T) {
	for _, c := range httpCauses {
		for _, receives := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					begun, ended := make(chan parley.Conn, 1), make(chan struct{})
					var event parley.Event
					var then error
					var kept context.Context
					g := gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
						defer close(ended)
						kept = ctx
						conn.Receive(ctx) // the body, of which there is none
						begun <- conn
						if !receives {
							<-ctx.Done()
						}
						event, _ = conn.Receive(ctx)
						then = context.Cause(ctx)
						return parley.Unexpected(event)
					}))
					client := adaptertest.ServeInBubble(t, g).Dial()
					client.Say("%s", getting("/"))
					go client.Rest()
					c.provoke(request{gateway: g, client: client, conn: <-begun})
					<-ended
					time.Sleep(time.Minute)
					gone, ok := event.(parley.HTTPDisconnect)
					want := c.want
					if want == nil {
						want = then // whichever is first
					}
					if !ok || gone.Cause != want || then != want || context.Cause(kept) != want {
						t.Errorf("the event is %v, the context ended with %v, and now %v; want %v",
							event, then, context.Cause(kept), c.want)
					}
				})
			})
		}
	}
}
