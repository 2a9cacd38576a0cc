package nethttp_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// versionCases are the kit's answers, and those of an app that says what a version
// of HTTP may forbid.
var versionCases = []struct {
	name   string
	app    parley.App
	header []string
	want   int
}{
	{"answer", answerOnly, nil, 200},
	{"stream", streamed, nil, 200},
	{"no answer", httpApp(func(context.Context, parley.Conn) error { return nil }), nil, 500},
	{"not found", httpApp(func(context.Context, parley.Conn) error { return parley.ErrNotFound }), nil,
		404},
	{"overloaded", httpApp(func(context.Context, parley.Conn) error { return parley.ErrOverloaded }),
		nil, 503},
	{"no content", bodiless(204), nil, 204},
	{"trailers", httpApp(func(ctx context.Context, conn parley.Conn) error {
		return sendAll(ctx, conn, parley.HTTPResponseEarlyHint{Links: []string{"</a>"}},
			parley.HTTPResponseStart{Status: 200, Header: http.Header{"Trailer": {"X-Sum"}}, Trailers: true},
			parley.HTTPResponseBody{Body: []byte("a")},
			parley.HTTPResponseTrailers{Header: http.Header{"X-Sum": {"1"}}})
	}), []string{"TE: trailers"}, 200},
	{"headers of the connection", httpApp(func(ctx context.Context, conn parley.Conn) error {
		header := http.Header{"Connection": {"X-Hop"}, "Keep-Alive": {"timeout=5"},
			"Proxy-Connection": {"close"},
			"Upgrade":          {"h2c"}, "Transfer-Encoding": {"chunked"}}
		return parley.Respond(ctx, conn, 200, header, []byte("answer"))
	}), nil, 200},
	{"handshake without an upgrade", echo, []string{"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="}, 0},
}

// TestVersions: what goes out on a protocol is legal there.
func TestVersions(t *testing.T) {
	for _, c := range versionCases {
		t.Run(c.name, func(t *testing.T) {
			server := adaptertest.New(t, gateway(dispatch(c.app)))
			server.EnableHTTP2 = true
			server.StartTLS()
			for _, version := range []string{"HTTP/1.0", "HTTP/1.1"} {
				client := adaptertest.Serve(t, gateway(dispatch(c.app))).Dial()
				client.Say("GET / %s\r\nHost: x\r\n%s\r\n", version, lines(c.header))
				answer := client.Response("GET")
				if answer.Status == http.StatusEarlyHints {
					answer = client.Response("GET")
				}
				if want := map[bool]int{true: c.want, false: 400}[c.want != 0]; answer.Status != want &&
					answer.Status != 426 || answer.Cut {
					t.Errorf("%s: %+v", version, answer)
				}
				if version == "HTTP/1.0" && (len(answer.Trailer) > 0 ||
					answer.Header.Get("Transfer-Encoding") != "") {
					t.Errorf("%s: %+v", version, answer)
				}
			}
			request, err := http.NewRequest("GET", server.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range c.header {
				name, value, _ := strings.Cut(line, ": ")
				request.Header.Set(name, value)
			}
			response, err := server.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if response.ProtoMajor != 2 || response.StatusCode != c.want && response.StatusCode != 426 {
				t.Errorf("%s: %d", response.Proto, response.StatusCode)
			}
			for _, name := range []string{"Connection", "Keep-Alive", "Proxy-Connection",
				"Transfer-Encoding", "Upgrade"} {
				if values, ok := response.Header[name]; ok {
					t.Errorf("%s: %s %q", response.Proto, name, values)
				}
			}
		})
	}
}

func lines(header []string) string {
	if len(header) == 0 {
		return ""
	}
	return strings.Join(header, "\r\n") + "\r\n"
}

// TestNothingOfTheConnectionInA101: a second Upgrade, or a length, makes browsers
// fail.
func TestNothingOfTheConnectionInA101(t *testing.T) {
	above := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for name, value := range map[string]string{"Upgrade": "h2c", "Connection": "close",
				"Content-Length":    "5",
				"Transfer-Encoding": "chunked", "Sec-WebSocket-Protocol": "other", "X-Kept": "1"} {
				w.Header().Set(name, value)
			}
			next.ServeHTTP(w, r)
		})
	}
	for _, h := range []http.Handler{above(gateway(echo)),
		gateway(parley.Chain(echo, nethttp.Middleware(above)))} {
		got := adaptertest.Serve(t, h).Exchange(getting("/", upgrade...), goodbye)
		head, _, _ := strings.Cut(got, "\r\n\r\n")
		want := map[string]int{"Upgrade: ": 1, "Connection: ": 1, "Content-Length": 0,
			"Transfer-Encoding":      0,
			"Sec-WebSocket-Protocol": 0, "X-Kept: 1": 1}
		for part, n := range want {
			if strings.Count(strings.ToLower(head), strings.ToLower(part)) != n {
				t.Errorf("not %d times %q in %q", n, part, head)
			}
		}
	}
}

// TestContinueWhenTheAppReads: a client that waits to be asked for its body is asked
// when the app reads, and not while it waits for something else.
func TestContinueWhenTheAppReads(t *testing.T) {
	for name, derive := range map[string]func(context.Context) (context.Context, context.CancelFunc){
		"under its context": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return ctx, func() {}
		},
		"under its own": context.WithCancel,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := adaptertest.ServeInBubble(t,
					gateway(httpApp(func(ctx context.Context, conn parley.Conn) error {
						ctx, cancel := derive(ctx)
						defer cancel()
						select {
						case <-ctx.Done():
						case <-time.After(time.Minute):
						}
						return readThenAnswer.Serve(ctx, nil, conn)
					}))).Dial()
				begun := time.Now()
				client.Say("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
				if head := client.RawHead(); !strings.HasPrefix(head, "HTTP/1.1 100 ") ||
					time.Since(begun) != time.Minute {
					t.Errorf("got %q after %v", head, time.Since(begun))
				}
				client.Say("body")
				if answer := client.Response("POST"); answer.Body != "body" {
					t.Errorf("got %+v", answer)
				}
			})
		})
	}
}
