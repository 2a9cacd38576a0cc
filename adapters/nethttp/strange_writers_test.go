package nethttp_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// strangeWriter is a writer that somebody has put in front, with one method that
// does not return.
type strangeWriter struct {
	http.ResponseWriter
	method string
	end    func() error
}

func (w strangeWriter) called(method string) *http.ResponseController {
	if method == w.method {
		w.end()
	}
	return http.NewResponseController(w.ResponseWriter)
}

func (w strangeWriter) Header() http.Header {
	w.called("Header")
	return w.ResponseWriter.Header()
}

func (w strangeWriter) WriteHeader(status int) {
	w.called("WriteHeader")
	w.ResponseWriter.WriteHeader(status)
}

func (w strangeWriter) Write(p []byte) (int, error) {
	w.called("Write")
	return w.ResponseWriter.Write(p)
}

func (w strangeWriter) FlushError() error { return w.called("FlushError").Flush() }

func (w strangeWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return w.called("Hijack").Hijack()
}

func (w strangeWriter) SetReadDeadline(t time.Time) error {
	return w.called("SetReadDeadline").SetReadDeadline(t)
}

func (w strangeWriter) SetWriteDeadline(t time.Time) error {
	return w.called("SetWriteDeadline").SetWriteDeadline(t)
}

func (w strangeWriter) EnableFullDuplex() error {
	return w.called("EnableFullDuplex").EnableFullDuplex()
}

// strangeApps use a writer in all the ways there are.
var strangeApps = map[string]func(ctx context.Context, s *parley.Scope, conn parley.Conn) error{
	"answers": everything.Serve,
	"streams": streamed.Serve,
	"never answers": func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		conn.Receive(ctx)
		<-ctx.Done()
		return context.Cause(ctx)
	},
	"denies": func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return parley.Answer(ctx, scope, conn, 418, nil, []byte("teapot"))
	},
	"denies in parts": func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return sendAll(ctx, conn, parley.WebSocketResponseStart{Status: 418},
			parley.WebSocketResponseBody{Body: []byte("tea"), More: true}, parley.WebSocketResponseBody{})
	},
	"handler":             dispatch(nethttp.App(everyFeature)).Serve,
	"handler over events": parley.Chain(nethttp.App(everyFeature), wrapping).Serve,
	"middleware":          parley.Chain(everything, nethttp.Middleware(through)).Serve,
	"middleware, wrapped": parley.Chain(everything, wrapping, nethttp.Middleware(through)).Serve,
	"fails":               func(context.Context, *parley.Scope, parley.Conn) error { return parley.ErrOverloaded },
	"ignores errors": func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		for range 3 {
			conn.Send(ctx, parley.WebSocketAccept{})
			conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
			conn.Send(ctx, parley.HTTPResponseBody{Body: make([]byte, 1<<16), More: true})
		}
		return nil
	},
}

// everyFeature is a handler that asks for all that a server has.
var everyFeature = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	control.EnableFullDuplex()
	control.SetReadDeadline(time.Now().Add(time.Second))
	control.SetWriteDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Link", "</a>")
	w.WriteHeader(http.StatusEarlyHints)
	w.Write([]byte("answer"))
	control.Flush()
	if conn, _, err := control.Hijack(); err == nil {
		conn.Close()
	}
})

// TestStrangeWriters: whatever a writer in front does, it costs its own conversation:
// that ends, and so does everything which waits for it.
func TestStrangeWriters(t *testing.T) {
	methods := []string{"Header", "WriteHeader", "Write", "FlushError", "Hijack",
		"SetReadDeadline", "SetWriteDeadline", "EnableFullDuplex"}
	requests := map[string]string{"socket": getting("/", upgrade...), "get": getting("/"),
		"post": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf"}
	for app, serve := range strangeApps {
		for _, method := range methods {
			for _, how := range []string{"panic", "exit"} {
				for kind, request := range requests {
					for _, mode := range []nethttp.Mode{nethttp.Detach, nethttp.Hold} {
						t.Run(app+"/"+method+"/"+how+"/"+kind, func(t *testing.T) {
							strange(t, serve, method, ends[how], request, mode)
						})
					}
				}
			}
		}
	}
}

func strange(
	t *testing.T, serve parley.AppFunc, method string, end func() error, request string, mode nethttp.Mode,
) {
	synctest.Test(t, func(t *testing.T) {
		g := gateway(dispatch(serve), nethttp.Options{Mode: mode})
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			g.ServeHTTP(strangeWriter{w, method, end}, r)
		})
		client := adaptertest.ServeInBubble(t, h).Dial()
		go client.Rest()
		client.Say("%s", request)
		time.Sleep(time.Minute)
		client.Close()
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := g.Drain(ctx); err != nil || g.Stats().Live != 0 {
			t.Errorf("left: %+v, %v", g.Stats(), err)
		}
	})
}
