package nethttp_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// TestHalfClose: a client that closes its half of the connection behind its request
// (nc -N) looks like one that is gone, to net/http too, which ends the request's context
// and passes on what the handler writes all the same. An app that has not asked answers
// likewise; one that has was told that nobody is there.
func TestHalfClose(t *testing.T) {
	answer := func(ctx context.Context, conn parley.Conn) error {
		return parley.Respond(ctx, conn, http.StatusOK, nil, []byte("answer"))
	}
	for _, test := range []struct {
		name string
		h    http.Handler
		want int
	}{
		{"net/http", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			io.WriteString(w, "answer")
		}), 200},
		{"an app that does not ask", gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
			io.Copy(io.Discard, parley.BodyReader(ctx, conn))
			<-requestOf(ctx).Context().Done()
			return answer(ctx, conn)
		})), 200},
		{"one that sends in parts", gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
			io.Copy(io.Discard, parley.BodyReader(ctx, conn))
			<-requestOf(ctx).Context().Done()
			conn.Send(ctx, parley.HTTPResponseStart{Status: http.StatusOK})
			conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("ans"), More: true})
			return conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("wer")})
		})), 200},
		{"one that asks", gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
			io.Copy(io.Discard, parley.BodyReader(ctx, conn))
			<-ctx.Done()
			return answer(ctx, conn)
		})), 499},
	} {
		for method, request := range map[string]string{
			"GET":  "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
			"POST": "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
		} {
			t.Run(test.name+"/"+method, func(t *testing.T) {
				server := adaptertest.Serve(t, withRequest(test.h))
				client := server.Dial()
				client.Say("%s", request)
				client.Conn.(*net.TCPConn).CloseWrite()
				got := client.Response(method)
				if got.Status != test.want || test.want == 200 && got.Body != "answer" {
					t.Errorf("answered with %d %q, want %d", got.Status, got.Body, test.want)
				}
			})
		}
	}
}

// TestHalfCloseBeforeTheBody: to ask for a body that is none is not to ask who is there.
func TestHalfCloseBeforeTheBody(t *testing.T) {
	server := adaptertest.Serve(t, withRequest(gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
		<-requestOf(ctx).Context().Done()
		body, err := io.ReadAll(parley.BodyReader(ctx, conn))
		if err != nil {
			return err
		}
		return parley.Respond(ctx, conn, http.StatusOK, nil, append(body, "answer"...))
	}))))
	client := server.Dial()
	client.Say("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	client.Conn.(*net.TCPConn).CloseWrite()
	if got := client.Response("GET"); got.Status != 200 || got.Body != "answer" {
		t.Errorf("answered with %d %q", got.Status, got.Body)
	}
}

type requestKey struct{}

// withRequest has the server's own request be found by an app that is not to ask for the
// conversation's end.
func withRequest(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, r)))
	})
}

func requestOf(ctx context.Context) *http.Request { return ctx.Value(requestKey{}).(*http.Request) }
