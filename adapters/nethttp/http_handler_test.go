package nethttp_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// handlerCase is a handler that tells what it met, by its server's log, and what a
// client sends to it. Then the client closes its half of the connection.
type handlerCase struct {
	name    string
	handler func(w http.ResponseWriter, r *http.Request, tell func(...any))
	request string
	want    string // a part of the answer on net/http
}

var handlerCases = []handlerCase{
	{"upload beyond MaxBody", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		n, err := io.Copy(io.Discard, r.Body)
		tell(n, err)
	}, posting("/", strings.Repeat("x", 100)), "200 OK"},
	{"chunked upload beyond MaxBody", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		n, err := io.Copy(io.Discard, r.Body)
		tell(n, err)
	}, asking("POST", "/", "a\r\n0123456789\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), "200 OK"},
	{"half-closed", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		<-r.Context().Done()
		n, err := io.WriteString(w, "still here")
		tell(n, err, http.NewResponseController(w).Flush())
	}, getting("/"), "still here"},
	{"half-closed in the body", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		_, err := io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		tell(err == io.ErrUnexpectedEOF)
		w.WriteHeader(http.StatusTeapot)
	}, asking("POST", "/", "abc", "Content-Length: 10"), "418"},
	{"read deadline", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
		_, err := io.Copy(io.Discard, r.Body)
		tell(errors.Is(err, os.ErrDeadlineExceeded))
		_, again := r.Body.Read(make([]byte, 1))
		tell(again != nil)
		w.WriteHeader(http.StatusTeapot)
	}, asking("POST", "/", "", "Content-Length: 100000"), "418"},
	{"write deadline", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		http.NewResponseController(w).SetWriteDeadline(time.Unix(1, 0))
		_, err := w.Write(make([]byte, 10_000))
		tell(errors.Is(err, os.ErrDeadlineExceeded))
		tell(errors.Is(http.NewResponseController(w).Flush(), os.ErrDeadlineExceeded))
	}, getting("/"), ""},
	{"no Content-Length", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		w.Header()["Content-Length"] = nil
		io.WriteString(w, "x")
	}, getting("/"), "Transfer-Encoding: chunked"},
	{"own chunked coding", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		w.Header().Set("Transfer-Encoding", "chunked")
		io.WriteString(w, "x")
	}, getting("/"), "1\r\nx\r\n0"},
	{"own gzip coding", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		w.Header().Set("Transfer-Encoding", "gzip")
		io.WriteString(w, "x")
	}, getting("/"), "Transfer-Encoding: gzip"},
	{"pusher", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		_, pushes := w.(http.Pusher)
		tell(pushes)
	}, getting("/"), "200 OK"},
	{"any status", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		w.WriteHeader(799)
	}, getting("/"), "799"},
	{"switching protocols", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		w.Header().Set("Upgrade", "x")
		w.WriteHeader(http.StatusSwitchingProtocols)
		_, err := w.Write(nil)
		_, refused := w.Write([]byte("x"))
		conn, _, hijack := w.(http.Hijacker).Hijack()
		tell(err, refused, hijack)
		io.WriteString(conn, "another protocol")
		conn.Close()
	}, getting("/"), "\r\n\r\nanother protocol"},
	{"hijacked behind an answer", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		io.WriteString(w, "begun")
		conn, _, _ := w.(http.Hijacker).Hijack()
		_, _, twice := w.(http.Hijacker).Hijack()
		_, err := io.WriteString(w, "x")
		tell(twice, err)
		io.WriteString(conn, "raw")
		conn.Close()
	}, getting("/"), "chunked\r\n\r\nraw"},
	{"informational", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		w.Header().Set("X-Progress", "1")
		w.WriteHeader(http.StatusProcessing)
		w.Header().Set("Link", "</x>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("X-Progress")
		io.WriteString(w, "done")
	}, getting("/"), "HTTP/1.1 102 Processing\r\nX-Progress: 1\r\n"},
	{"short body", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		w.Header().Set("Content-Length", "10")
		io.WriteString(w, "short")
	}, getting("/"), "short"},
	{"exit", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		io.WriteString(w, "lost")
		runtime.Goexit()
	}, getting("/"), ""},
	{"exit in the middle", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		io.WriteString(w, "part")
		w.(http.Flusher).Flush()
		runtime.Goexit()
	}, getting("/"), "4\r\npart\r\n"},
	{"panic behind a pending answer", func(w http.ResponseWriter, r *http.Request, tell func(...any)) {
		io.WriteString(w, "lost")
		panic("boom")
	}, getting("/"), ""},
}

// TestHandlersOverEvents: a handler below middleware that wraps the conn meets what
// it meets on net/http, whatever its client does.
func TestHandlersOverEvents(t *testing.T) {
	for _, c := range handlerCases {
		t.Run(c.name, func(t *testing.T) {
			want, told := halfClosing(t, c, func(h http.Handler) http.Handler { return h })
			if !strings.Contains(want, c.want) {
				t.Fatalf("net/http itself answers %q, want %q in it", want, c.want)
			}
			options := nethttp.Options{Logger: silent, MaxBody: 5}
			for name, wrap := range map[string]parley.Middleware{"wrapped": wrapping, "watched": watching} {
				got, alsoTold := halfClosing(t, c, func(h http.Handler) http.Handler {
					return nethttp.Handler(parley.Chain(nethttp.App(h), wrap), options)
				})
				if unchunked(got) != unchunked(want) {
					t.Errorf("%s: got\n%q\nwant\n%q", name, got, want)
				}
				if alsoTold != told {
					t.Errorf("%s: the handler met\n%s\nwant\n%s", name, alsoTold, told)
				}
			}
		})
	}
}

// watching wraps the conn and waits for the end of the conversation beside the app,
// as a middleware does that ends it early.
func watching(next parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		return next.Serve(ctx, scope, struct{ parley.Conn }{conn})
	})
}

// halfClosing sends a request and closes that half of the connection. It returns the
// answer, and what the handler told and the server logged, without stacks.
func halfClosing(
	t *testing.T, c handlerCase, wrap func(http.Handler) http.Handler,
) (answer, told string) {
	t.Helper()
	var notes, complaints bytes.Buffer
	server := httptest.NewUnstartedServer(wrap(serve(func(w http.ResponseWriter, r *http.Request) {
		c.handler(w, r, func(values ...any) { fmt.Fprintln(&notes, values...) })
	})))
	server.Config.ErrorLog = log.New(&complaints, "", 0)
	server.Start()
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(adaptertest.Patience))
	io.WriteString(conn, c.request)
	conn.(*net.TCPConn).CloseWrite()
	read, err := io.ReadAll(conn)
	if err != nil && !errors.Is(err, net.ErrClosed) && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	server.Close()
	panicked, _, _ := strings.Cut(complaints.String(), "\n")
	if _, value, ok := strings.Cut(panicked, "panic serving "); ok {
		_, panicked, _ = strings.Cut(value, ": ") // behind the address
	}
	return adaptertest.Comparable(string(read)), notes.String() + panicked
}

// TestHandlersOverEventsKeepTheConnection: a body that a handler leaves unread costs
// nothing but its reading, also where somebody waits for the client's leaving.
func TestHandlersOverEventsKeepTheConnection(t *testing.T) {
	for name, wrap := range map[string]parley.Middleware{"wrapped": wrapping, "watched": watching} {
		t.Run(name, func(t *testing.T) {
			h := serve(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(30 * time.Millisecond) // that somebody else may read the body
				io.WriteString(w, "answer")
				w.(http.Flusher).Flush()
			})
			server := adaptertest.Serve(t, nethttp.Handler(parley.Chain(nethttp.App(h), wrap)))
			got := server.Exchange(persisting("POST", "some body")+posting("/", "another"), "")
			if strings.Count(got, "answer") != 2 || strings.Count(got, "Connection: close") != 1 {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestHandlersOverEventsOnARecorder: a recorder has no connection that could be cut,
// and nobody above it who expects a panic.
func TestHandlersOverEventsOnARecorder(t *testing.T) {
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	for _, c := range []struct {
		name   string
		method string
		h      http.HandlerFunc
	}{
		{"short body", "GET", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			io.WriteString(w, "short")
		}},
		{"whole answer", "GET", http.NotFound},
		{"HEAD", "HEAD", http.NotFound},
		{"silence", "GET", func(http.ResponseWriter, *http.Request) {}},
		{"flushed", "GET", func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "one")
			w.(http.Flusher).Flush()
			io.WriteString(w, "two")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			want, got := httptest.NewRecorder(), httptest.NewRecorder()
			r := httptest.NewRequestWithContext(gone, c.method, "/", nil)
			c.h.ServeHTTP(want, r)
			eventShape.wrap(c.h).ServeHTTP(got, r)
			if got, want := recorded(got), recorded(want); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func recorded(r *httptest.ResponseRecorder) string {
	return fmt.Sprintf("%d %v %q, flushed %v", r.Code, r.Header(), r.Body, r.Flushed)
}

// TestHandlersOverEventsOnHTTP2: what a handler has there and nowhere else.
func TestHandlersOverEventsOnHTTP2(t *testing.T) {
	h := serve(func(w http.ResponseWriter, r *http.Request) {
		err := w.(http.Pusher).Push("/style.css", nil) // the client has forbidden it
		w.Header().Set("Connection", "close")
		fmt.Fprint(w, r.Proto, " ", errors.Is(err, http.ErrNotSupported), r.RemoteAddr)
	})
	server := httptest.NewUnstartedServer(eventShape.wrap(h))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	var answers [2]string
	for i := range answers {
		response, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		answers[i] = string(body)
	}
	if !strings.HasPrefix(answers[0], "HTTP/2.0 true") || answers[0] == answers[1] {
		t.Errorf("got %q", answers)
	}
}

// TestHandlersOverEventsSeeTheHead: what net/http middleware above a gateway has set is
// a handler's to see, to change and to take away.
func TestHandlersOverEventsSeeTheHead(t *testing.T) {
	above := func(h http.Handler) http.Handler {
		return serve(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Kept", "1")
			w.Header().Set("X-Changed", "1")
			w.Header().Set("X-Gone", "1")
			w.Header().Add("Set-Cookie", "a=1")
			w.Header().Add("Vary", "Accept")
			w.Header()["Date"] = nil
			h.ServeHTTP(w, r)
		})
	}
	h := serve(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Changed", "2"+w.Header().Get("X-Kept"))
		w.Header().Del("X-Gone")
		w.Header().Add("Set-Cookie", "b=2")
		w.Header().Add("Vary", "Origin")
		io.WriteString(w, "body")
	})
	c := identityCase{handler: above(h), request: getting("/")}
	want, _ := observe(t, c.handler, c)
	if got, _ := observe(t, above(eventShape.wrap(h)), c); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// TestHandlersOverEventsAreInterrupted: middleware that ends the context of a handler
// ends its reading too, though the client says nothing.
func TestHandlersOverEventsAreInterrupted(t *testing.T) {
	why, met := errors.New("time is up"), make(chan error, 1)
	ending := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer time.AfterFunc(10*time.Millisecond, func() { cancel(why) }).Stop()
		return nethttp.App(serve(func(w http.ResponseWriter, r *http.Request) {
			_, err := io.Copy(io.Discard, r.Body)
			met <- err
			http.Error(w, "too late", http.StatusServiceUnavailable)
		})).Serve(ctx, scope, struct{ parley.Conn }{conn})
	})
	client := adaptertest.Serve(t, gateway(ending)).Dial()
	client.Say("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
	if err := adaptertest.Await(t, met, "the handler"); err != why {
		t.Errorf("the handler met %v", err)
	}
	if got := client.RawHead(); !strings.HasPrefix(got, "HTTP/1.1 503 ") {
		t.Errorf("got %q", got)
	}
}
