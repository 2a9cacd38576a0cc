package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// lossCases are clients that vanish in the middle of their request: what they
// have sent by then, and what the app has done.
var lossCases = []struct {
	name    string
	request string
	reads   int    // parts of the body that the app receives first
	answer  string // what it has begun to answer
}{
	{"no body", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0, ""},
	{"no body/answer begun", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 0, "part"},
	{"fixed length, all sent", persisting("POST", "body"), 0, ""},
	{"fixed length, all sent, read", persisting("POST", "body"), 1, ""},
	{"fixed length, all sent, answer begun", persisting("POST", "body"), 0, "part"},
	{"fixed length, half sent", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf", 0, ""},
	{"fixed length, half sent, read", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf",
		1, ""},
	{"fixed length, half sent, answer begun",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf", 0, "part"},
	{"fixed length, half sent, read, answer begun",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf", 1, "part"},
	{"fixed length, much sent",
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 900000\r\n\r\n" + strings.Repeat("x",
			500_000), 0, ""},
	{"chunked, all sent", chunked("4\r\nbody\r\n0\r\n\r\n"), 0, ""},
	{"chunked, all sent, answer begun", chunked("4\r\nbody\r\n0\r\n\r\n"), 0, "part"},
	{"chunked, half sent", chunked("4\r\nhalf\r\n"), 0, ""},
	{"chunked, half sent, read", chunked("4\r\nhalf\r\n"), 1, ""},
	{"chunked, half sent, answer begun", chunked("4\r\nhalf\r\n"), 0, "part"},
	{"chunked, cut in a chunk", chunked("40\r\nhalf"), 0, ""},
	{"chunked, much sent", chunked(strings.Repeat("400\r\n"+strings.Repeat("x", 1024)+"\r\n", 500)), 0,
		""},
}

// TestG5ClientLossEndsTheContext: an app that waits for its context, with the
// body unread, hears of a client that is gone.
func TestG5ClientLossEndsTheContext(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, c := range lossCases {
		t.Run(c.name, func(t *testing.T) {
			waiting, result := make(chan struct{}), make(chan error, 1)
			app := httpApp(func(ctx context.Context, conn parley.Conn) error {
				err := func() error {
					for range c.reads {
						if event, err := conn.Receive(ctx); err != nil || len(event.(parley.HTTPRequest).Body) == 0 {
							return fmt.Errorf("received %v, %v", event, err)
						}
					}
					if c.answer != "" {
						if err := sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200},
							parley.HTTPResponseBody{Body: []byte(c.answer), More: true}); err != nil {
							return err
						}
					}
					close(waiting)
					<-ctx.Done()
					return expectLoss(ctx, conn)
				}()
				result <- err
				return err
			})
			client := adaptertest.Serve(t, gateway(app)).Dial()
			client.Say("%s", c.request)
			adaptertest.Await(t, waiting, "the app")
			client.Close()
			if err := adaptertest.Await(t, result, "the end of the app's context"); err != nil {
				t.Error(err)
			}
		})
	}
	expectNoSpools(t)
}

// expectLoss tells what is wrong with a conversation whose client is gone.
func expectLoss(ctx context.Context, conn parley.Conn) error {
	if cause := context.Cause(ctx); cause != parley.ErrDisconnected || ctx.Err() != context.Canceled {
		return fmt.Errorf("the context ended with %v, cause %v", ctx.Err(), cause)
	}
	for range 3 {
		if err := conn.Send(ctx, parley.HTTPResponseBody{More: true}); err != parley.ErrDisconnected ||
			!errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("Send returns %v", err)
		}
		event, err := conn.Receive(ctx)
		if event != (parley.HTTPDisconnect{Cause: parley.ErrDisconnected}) || err != nil {
			return fmt.Errorf("Receive returns %v, %v", event, err)
		}
	}
	return nil
}

// expectNoSpools: bodies that were read ahead into temporary files are gone.
func expectNoSpools(t *testing.T) {
	t.Helper()
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), "*"))
	if len(left) > 0 {
		t.Errorf("temporary files are left: %q", left)
	}
	descriptors, _ := filepath.Glob("/proc/self/fd/*") // on Linux; elsewhere the folder tells
	for _, descriptor := range descriptors {
		if name, err := os.Readlink(descriptor); err == nil && strings.Contains(name, "parley-body") {
			t.Errorf("a temporary file is still open: %s", name)
		}
	}
}

// TestReceiveTellsOfLoss: an app that only receives hears of it too.
func TestReceiveTellsOfLoss(t *testing.T) {
	for _, c := range lossCases {
		if c.answer != "" || c.reads > 0 {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			called, result := make(chan struct{}), make(chan parley.Event, 1)
			app := httpApp(func(ctx context.Context, conn parley.Conn) error {
				close(called)
				for {
					switch event, err := conn.Receive(ctx); event.(type) {
					case parley.HTTPRequest:
					default:
						result <- event
						return err
					}
				}
			})
			client := adaptertest.Serve(t, gateway(app)).Dial()
			client.Say("%s", c.request)
			adaptertest.Await(t, called, "the app")
			client.Close()
			event := adaptertest.Await(t, result, "the disconnect")
			if event != (parley.HTTPDisconnect{Cause: parley.ErrDisconnected}) {
				t.Errorf("received %v", event)
			}
		})
	}
}

// TestLossReachesNativeHandlers: a wrapped handler finds its context ended
// as it does on net/http's own server.
func TestLossReachesNativeHandlers(t *testing.T) {
	for _, shape := range nativeShapes {
		waiting, ended := make(chan struct{}), make(chan error, 1)
		server := adaptertest.Serve(t, shape.wrap(serve(func(w http.ResponseWriter, r *http.Request) {
			close(waiting)
			<-r.Context().Done()
			ended <- r.Context().Err()
		})))
		client := server.Dial()
		client.Say("%s", "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		adaptertest.Await(t, waiting, "the handler")
		client.Close()
		if err := adaptertest.Await(t, ended,
			"the end of the handler's context"); err != context.Canceled {
			t.Errorf("%s: %v", shape.name, err)
		}
	}
}

// TestLossEndsTheContextAtOnce: a read or a write that fails because the client is gone
// leaves a wrapped handler with a context that has ended. Libraries tell by that a client
// that has left from one that has sent nonsense.
func TestLossEndsTheContextAtOnce(t *testing.T) {
	reads := func(_ http.ResponseWriter, r *http.Request) error {
		_, err := io.Copy(io.Discard, r.Body)
		return err
	}
	for _, test := range []struct {
		name, request string
		meets         func(w http.ResponseWriter, r *http.Request) error
	}{
		{"read", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf", reads},
		{"read, chunked", chunked("4\r\nhalf\r\n"), reads},
		{"written", "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
			func(w http.ResponseWriter, _ *http.Request) (err error) {
				for part := make([]byte, 1<<16); err == nil; {
					_, err = w.Write(part)
				}
				return err
			}},
	} {
		for _, shape := range append([]shape{eventShape}, nativeShapes...) {
			t.Run(test.name+"/"+shape.name, func(t *testing.T) {
				waiting, ended := make(chan struct{}), make(chan error, 1)
				server := adaptertest.Serve(t, shape.wrap(serve(func(w http.ResponseWriter, r *http.Request) {
					own, cancel := context.WithCancel(r.Context())
					defer cancel()
					close(waiting)
					err := test.meets(w, r)
					if shape.name == eventShape.name && own.Err() == nil {
						ended <- fmt.Errorf("met %w, and what was made of the context goes on", err)
					} else if err == nil || r.Context().Err() == nil {
						ended <- fmt.Errorf("met %w, and the context goes on", err)
					}
					close(ended)
				})))
				client := server.Dial()
				client.Say("%s", test.request)
				adaptertest.Await(t, waiting, "the handler")
				client.Close()
				if err := adaptertest.Await(t, ended, "what the handler met"); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestCallsOfAnEndedHandlerAreCanceled: a call that a handler makes with its context, and
// that ends with the client, fails as canceled, as it does on net/http. Proxies tell by
// that whose fault it was.
func TestCallsOfAnEndedHandlerAreCanceled(t *testing.T) {
	asked, release := make(chan struct{}, 1), make(chan struct{})
	backend := adaptertest.Serve(t, serve(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-release
	}))
	defer close(release)
	for _, shape := range append([]shape{eventShape}, nativeShapes...) {
		ended := make(chan error, 1)
		server := adaptertest.Serve(t, shape.wrap(serve(func(_ http.ResponseWriter, r *http.Request) {
			call, err := http.NewRequestWithContext(r.Context(), http.MethodGet, backend.URL, nil)
			if err == nil {
				_, err = backend.Client().Do(call)
			}
			ended <- err
		})))
		client := server.Dial()
		client.Say("%s", "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
		adaptertest.Await(t, asked, "the call")
		client.Close()
		if err := adaptertest.Await(t, ended, "the end of the call"); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", shape.name, err)
		}
	}
}

// slowlyDone is a context that says that it has ended before it wakes anybody.
type slowlyDone struct {
	context.Context
	over atomic.Bool
	done chan struct{}
}

func (c *slowlyDone) Done() <-chan struct{} { return c.done }

func (c *slowlyDone) Err() error {
	if c.over.Load() {
		return context.DeadlineExceeded
	}
	return nil
}

// TestEarlyQuestionsHideNoEnd: a read under way ends with its context also if somebody has
// asked that before the end has got about. The client is there, and sends nothing.
func TestEarlyQuestionsHideNoEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		above := &slowlyDone{done: make(chan struct{})}
		g := gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
			received := make(chan parley.Event, 1)
			go func() {
				event, _ := conn.Receive(ctx)
				received <- event
			}()
			synctest.Wait() // it reads
			_ = ctx.Done()
			above.over.Store(true)
			if ctx.Err() == nil {
				t.Error("the context goes on")
			}
			close(above.done)
			select {
			case event := <-received:
				if event != (parley.HTTPDisconnect{Cause: context.DeadlineExceeded}) {
					t.Errorf("received %v", event)
				}
			case <-time.After(time.Minute): // of the bubble's clock
				t.Error("the read goes on")
			}
			return nil
		}), nethttp.Options{BodyTimeout: -1})
		client := adaptertest.ServeInBubble(t, serve(func(w http.ResponseWriter, r *http.Request) {
			above.Context = r.Context()
			g.ServeHTTP(w, r.WithContext(above))
		})).Dial()
		client.Say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
		client.Rest()
	})
}
