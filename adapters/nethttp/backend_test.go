package nethttp_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// everything is a backend in events that uses all there is.
var everything = parley.AppFunc(func(
	ctx context.Context, scope *parley.Scope, conn parley.Conn,
) error {
	part := parley.HTTPResponseBody{Body: []byte("part"), More: true}
	switch {
	case scope.Protocol == parley.WebSocket:
		return echo.Serve(ctx, scope, conn)
	case scope.Request.URL.Path == "/hint":
		return sendAll(ctx, conn, parley.HTTPResponseEarlyHint{Links: []string{"</hint.css>"}},
			parley.HTTPResponseStart{Status: 200}, parley.HTTPResponseBody{})
	case scope.Request.URL.Path == "/trailers":
		start := parley.HTTPResponseStart{Status: 200, Header: http.Header{"Trailer": {"X-Sum"}},
			Trailers: true}
		trailers := parley.HTTPResponseTrailers{Header: http.Header{"X-Sum": {"42"}}}
		return sendAll(ctx, conn, start, part, parley.HTTPResponseBody{}, trailers)
	case scope.Request.URL.Path == "/cut":
		return sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200}, part)
	}
	return readThenAnswer.Serve(ctx, scope, conn)
})

// TestGatewayBehindAReverseProxy: httputil.ReverseProxy finds in an app of events
// what it finds in a handler, sockets included.
func TestGatewayBehindAReverseProxy(t *testing.T) {
	proxy := adaptertest.Serve(t, proxyTo(t, adaptertest.Serve(t, gateway(everything))))
	for _, c := range []struct{ name, request, then, want string }{
		{"plain", posting("/", "body"), "", "\r\n\r\nbody"},
		{"chunked", asking("POST", "/", "4\r\nbody\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), "",
			"\r\n\r\nbody"},
		{"early hints", getting("/hint"), "", "HTTP/1.1 103 Early Hints\r\nLink: </hint.css>\r\n"},
		{"trailers", getting("/trailers", "TE: trailers"), "", "4\r\npart\r\n0\r\nX-Sum: 42\r\n\r\n"},
		{"trailers that nobody hears", getting("/trailers"), "", "4\r\npart\r\n0\r\n\r\n"},
		{"cut", getting("/cut"), "", "\r\n\r\n4\r\npart\r\n"},
		{"WebSocket", getting("/", upgrade...), text("hi") + goodbye, "\x81\x02hi\x88\x02\x03\xe8"},
		{"WebSocket of a stranger", getting("/",
			append([]string{"Origin: https://evil.example"}, upgrade...)...), "", "403 Forbidden"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := proxy.Exchange(c.request, c.then)
			if !strings.Contains(got, c.want) || c.name == "cut" && strings.HasSuffix(got, "0\r\n\r\n") {
				t.Errorf("got %q, want %q in it", got, c.want)
			}
		})
	}
}

// TestG5LossOverHTTP2: a stream that its client resets ends the app's context, with
// the body unread or not.
func TestG5LossOverHTTP2(t *testing.T) {
	for _, reads := range []bool{false, true} {
		waiting, result := make(chan struct{}), make(chan error, 1)
		server := adaptertest.New(t, gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
			if reads {
				conn.Receive(ctx)
			}
			close(waiting)
			<-ctx.Done()
			err := expectLoss(ctx, conn)
			result <- err
			return err
		})))
		server.EnableHTTP2 = true
		server.StartTLS()
		ctx, cancel := context.WithCancel(t.Context())
		body, upload := io.Pipe()
		request, err := http.NewRequestWithContext(ctx, "POST", server.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		answered := make(chan error, 1)
		go func() {
			response, err := server.Client().Do(request)
			if err == nil {
				response.Body.Close()
			}
			answered <- err
		}()
		if _, err := io.WriteString(upload, "half"); err != nil {
			t.Fatal(err)
		}
		adaptertest.Await(t, waiting, "the app")
		cancel()
		if err := adaptertest.Await(t, result, "the end of the app's context"); err != nil {
			t.Errorf("reads %t: %v", reads, err)
		}
		upload.Close()
		if err := adaptertest.Await(t, answered, "the client"); err == nil {
			t.Error("the client was answered")
		}
	}
}
