package middleware_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/middleware"
)

// Around the gateway, what runs natively has the server's own abilities.
func TestAccessLogHandler(t *testing.T) {
	records := make(chan middleware.Access, 1)
	log := middleware.AccessLogHandler(middleware.AccessLogOptions{
		Record: func(_ context.Context, a *middleware.Access) { records <- *a },
	})
	mux := http.NewServeMux()
	mux.HandleFunc("/{name}", func(w http.ResponseWriter, r *http.Request) {
		_, flusher := w.(http.Flusher)
		_, hijacker := w.(http.Hijacker)
		_, reader := w.(io.ReaderFrom)
		if !flusher || !hijacker || !reader {
			t.Errorf("%T has lost abilities", w)
		}
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
			t.Error(err)
		}
		w.WriteHeader(201)
		io.Copy(w, strings.NewReader("hello"))
	})
	limit := middleware.NewBodyLimit(middleware.BodyLimitOptions{Max: 10})
	server := httptest.NewServer(log(nethttp.Handler(limit.Wrap(nethttp.App(mux)))))
	defer server.Close()
	response, err := server.Client().Get(server.URL + "/a?b")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	defer server.Client().CloseIdleConnections()
	if a := <-records; a.Status != 201 || a.BytesOut != 5 || a.Path != "/a" || a.Cause != nil {
		t.Errorf("%+v", a)
	}
}

// gin's Stream asks for a CloseNotifier without looking.
func TestAccessLogHandlerNotifies(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		records := make(chan middleware.Access, 1)
		log := middleware.AccessLogHandler(middleware.AccessLogOptions{
			Record: func(_ context.Context, a *middleware.Access) { records <- *a },
		})
		server := httptest.NewUnstartedServer(log(http.HandlerFunc(
			func(w http.ResponseWriter, _ *http.Request) {
				w.(io.StringWriter).WriteString("hello")
				w.(http.Flusher).Flush()
				<-w.(interface{ CloseNotify() <-chan bool }).CloseNotify()
			})))
		server.EnableHTTP2 = http2
		server.StartTLS()
		response, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		if response.ProtoMajor == 2 != http2 {
			t.Errorf("served over %s", response.Proto)
		}
		response.Body.Close() // which is how a client leaves
		if a := <-records; a.BytesOut != 5 {
			t.Errorf("%+v", a)
		}
		server.Close()
	}
}

// What net/http removes behind a request, it removes below AccessLogHandler too.
func TestAccessLogHandlerLeavesNoFiles(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	log := middleware.AccessLogHandler(middleware.AccessLogOptions{
		Record: func(context.Context, *middleware.Access) {},
	})
	server := httptest.NewServer(log(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := r.ParseMultipartForm(1)
		if entries, _ := os.ReadDir(folder); err != nil || len(entries) == 0 {
			t.Errorf("no temporary file: %v", err)
		}
	})))
	form := "--b\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\nbytes\r\n--b--\r\n"
	response, err := server.Client().Post(server.URL, "multipart/form-data; boundary=b",
		strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	server.Close() // waits for the server's side of the request
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("still there: %v, %v", entries, err)
	}
}

// Whatever a request is dressed as, it is recorded, and recorded once.
func TestAccessLogHandlerSeesEverything(t *testing.T) {
	upgrade := []string{"Connection", "Upgrade", "Upgrade", "websocket",
		"Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="}
	foreign := append(upgrade, "Origin", "http://evil.example")
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Protocol == parley.WebSocket && scope.Request.URL.Path == "/http" {
			return parley.ErrNotFound
		}
		return new(inner).Serve(ctx, scope, conn)
	})
	for _, test := range []struct {
		name    string
		method  string
		path    string
		headers []string
		socket  string // the record, with an AccessLog of sockets inside
		without string // and without
	}{
		{"a request", "GET", "/http", nil, "http 200", "http 200"},
		{"dressed as a handshake", "GET", "/http", upgrade, "websocket 404", "http 404"},
		{"dressed badly", "GET", "/http", upgrade[2:], "http 400", "http 400"},
		{"a POST dressed so", "POST", "/http", upgrade[2:4], "http 405", "http 405"},
		{"a handshake", "GET", "/", upgrade, "websocket 101", "websocket 101"},
		// Of this one the app, and what is inside, knows that it could not accept.
		{"of a foreign page", "GET", "/", foreign, "websocket 0", "http 403"},
	} {
		for inside, want := range map[bool]string{true: test.socket, false: test.without} {
			t.Run(fmt.Sprintf("%s, inside %v", test.name, inside), func(t *testing.T) {
				records := make(chan middleware.Access, 9)
				options := middleware.AccessLogOptions{
					SocketsOnly: true,
					Record:      func(_ context.Context, a *middleware.Access) { records <- *a },
				}
				app := parley.App(app)
				if inside {
					app = middleware.AccessLog(options)(app)
				}
				gateway := nethttp.Handler(
					app,
					nethttp.Options{Logger: slog.New(slog.DiscardHandler)},
				)
				server := httptest.NewServer(middleware.AccessLogHandler(options)(gateway))
				defer server.Close()
				conn, err := net.Dial("tcp", server.Listener.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				r := request(test.method, server.URL+test.path, test.headers...)
				r.Write(conn)
				response, err := http.ReadResponse(bufio.NewReader(conn), r)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				conn.Close()
				a := <-records
				if got := fmt.Sprint(a.Protocol, " ", a.Status); got != want {
					t.Errorf("recorded %q, want %q", got, want)
				}
				gateway.Drain(t.Context())
				server.Close()
				if len(records) > 0 {
					t.Errorf("recorded twice: %+v", <-records)
				}
			})
		}
	}
}

// TestAccessLogHandlerEnds: how a handler has ended is in the record, and what route
// it had, though it wrote nothing.
func TestAccessLogHandlerEnds(t *testing.T) {
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		status  int
		route   string
		cause   string
	}{
		{"says nothing", func(http.ResponseWriter, *http.Request) {}, 200, "/a", ""},
		{"says 200", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }, 200, "/a", ""},
		{"says 204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 204, "/a", ""},
		{"hints first", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(404)
		}, 404, "/a", ""},
		{"finds a cause", func(w http.ResponseWriter, r *http.Request) {
			middleware.LogCause(r.Context(), errInner)
			w.WriteHeader(500)
		}, 500, "/a", errInner.Error()},
		{"panics", func(http.ResponseWriter, *http.Request) { panic("no") }, 0, "/a", "panicked"},
		{"panics for a cause", func(_ http.ResponseWriter, r *http.Request) {
			middleware.LogCause(r.Context(), errInner)
			panic("no")
		}, 0, "/a", errInner.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			var a middleware.Access
			log := middleware.AccessLogHandler(middleware.AccessLogOptions{
				Record: func(_ context.Context, access *middleware.Access) { a = *access },
			})
			mux := http.NewServeMux()
			mux.Handle("/a", test.handler)
			func() {
				defer func() { recover() }()
				log(mux).ServeHTTP(httptest.NewRecorder(), get("/a"))
			}()
			got := ""
			if a.Cause != nil {
				got = a.Cause.Error()
			}
			if a.Status != test.status || a.Route != test.route ||
				(got == "") != (test.cause == "") || !strings.Contains(got, test.cause) {
				t.Errorf("%d %q %q", a.Status, a.Route, got)
			}
		})
	}
}

// The writers of HTTP/1 and HTTP/2 keep their abilities, and what they send is
// counted.
func TestAccessLogHandlerWriters(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		records := make(chan middleware.Access, 1)
		log := middleware.AccessLogHandler(middleware.AccessLogOptions{
			Record: func(_ context.Context, a *middleware.Access) { records <- *a },
		})
		server := httptest.NewUnstartedServer(log(http.HandlerFunc(func(
			w http.ResponseWriter, r *http.Request,
		) {
			if pusher, ok := w.(http.Pusher); ok != http2 {
				t.Errorf("HTTP/2 %v: %T", http2, w)
			} else if ok && pusher.Push("/pushed", nil) == nil {
				t.Error("a push to a client that takes none")
			}
			w.(http.Flusher).Flush()
			if from, ok := w.(io.ReaderFrom); ok {
				from.ReadFrom(strings.NewReader("hello"))
			} else {
				io.WriteString(w, "hello")
			}
		})))
		server.EnableHTTP2 = http2
		server.StartTLS()
		response, err := server.Client().Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if a := <-records; a.Status != 200 || a.BytesOut != 5 {
			t.Errorf("HTTP/2 %v: %+v", http2, a)
		}
		server.Client().CloseIdleConnections()
		server.Close()
	}
}
