package client_test

import (
	"context"
	"encoding/json"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/internal/servicetest"
)

// stage is a server behind a line that can be cut, and a door through which the tests
// in JavaScript have it do so.
type stage struct {
	t       *testing.T
	cast    cast
	proxy   *servicetest.Proxy
	control *httptest.Server

	mu      sync.Mutex
	stop    func()
	blocked map[string]bool // "websocket", "stream"
	asked   int             // requests to the room
}

// cast is who plays: an app that outlives its servers, and does what it is asked for.
type cast interface {
	parley.App
	control(ctx context.Context, what string, number int, body []byte) (known bool)
	report() map[string]any
}

func newStage(t *testing.T, cast cast) *stage {
	t.Helper()
	s := &stage{t: t, cast: cast, blocked: make(map[string]bool)}
	addr := s.begin()
	t.Cleanup(func() { s.end() })
	s.proxy = servicetest.StartProxy(t, addr)
	s.control = httptest.NewServer(http.HandlerFunc(s.serveControl))
	t.Cleanup(s.control.Close)
	return s
}

func (s *stage) url() string { return "http://" + s.proxy.Addr }

// begin starts the server and returns where it is. The port of the one before may be
// somebody else's by now.
func (s *stage) begin() (addr string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	silent := slog.New(slog.DiscardHandler)
	sessions := fallback.New(s.cast, fallback.Options{Logger: silent, PollTimeout: 5 * time.Second})
	mux := http.NewServeMux()
	gateway := nethttp.Handler(sessions, nethttp.Options{Logger: silent})
	mux.Handle("/room", s.block(gateway))
	mux.Handle("GET /client/", http.StripPrefix("/client", http.FileServer(http.Dir("."))))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>test</title>")
	})
	server := &http.Server{Handler: mux, ErrorLog: log.New(io.Discard, "", 0)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // ends when it is closed
	}()
	s.stop = func() { // as a crash does it, and then in peace
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = server.Close()
		<-ended
		_ = sessions.Close(ctx) // what does not end in time is cut
		_ = gateway.Drain(ctx)
	}
	return listener.Addr().String()
}

// again starts the server after an end, where clients find it.
func (s *stage) again() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proxy.Point(s.begin())
}

func (s *stage) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop()
}

// block is a proxy that does not know what passes through it.
func (s *stage) block(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked++
		socket, stream := s.blocked["websocket"], s.blocked["stream"]
		s.mu.Unlock()
		switch {
		case socket && r.Header.Get("Upgrade") != "":
			http.Error(w, "what is that?", http.StatusBadGateway)
		case stream && r.Header.Get("Accept") == "text/event-stream":
			w.WriteHeader(http.StatusOK) // and everything else stays in its buffers
			<-r.Context().Done()
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// serveControl does what a test in JavaScript asks for.
func (s *stage) serveControl(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	query := r.URL.Query()
	body, _ := io.ReadAll(r.Body) // of a test
	number, _ := strconv.Atoi(query.Get("n"))
	switch r.URL.Path {
	case "/drop":
		s.proxy.Drop()
	case "/cut":
		s.proxy.Cut()
	case "/silence":
		s.proxy.Silence()
	case "/slow":
		s.proxy.Slow(time.Duration(number) * time.Millisecond)
	case "/heal":
		s.proxy.Heal()
	case "/stop":
		s.end()
	case "/start":
		s.again()
	case "/block":
		s.mu.Lock()
		s.blocked[query.Get("what")] = number != 0
		s.mu.Unlock()
	default:
		if !s.cast.control(r.Context(), r.URL.Path, number, body) {
			http.NotFound(w, r)
			return
		}
	}
	_ = json.NewEncoder(w).Encode(s.report()) // it is read by a test
}

func (s *stage) report() map[string]any {
	report := s.cast.report()
	s.mu.Lock()
	defer s.mu.Unlock()
	report["asked"] = s.asked
	return report
}

// patience is how long a test waits before it says what it waits for. It is as long as
// that of the scenarios: a machine may be busy.
const patience = 4 * time.Minute

// await waits until the server reports what is wanted.
func (s *stage) await(wanted func(report map[string]any) bool) {
	s.t.Helper()
	for ends := time.Now().Add(patience); !wanted(s.report()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(ends) {
			s.t.Fatalf("waited %v, and the server reports %v", patience, s.report())
		}
	}
}
