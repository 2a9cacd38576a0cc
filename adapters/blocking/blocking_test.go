package blocking_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/blocking"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/parleytest"
)

// ownBridge is a bridge that ends with the test, on plain goroutines.
func ownBridge(t testing.TB, options bridge.Options) *bridge.Bridge {
	options.Engine = bridge.Goroutines{}
	b, err := bridge.New(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

func onBridge(t testing.TB, h http.HandlerFunc, list ...blocking.Options) parley.App {
	options := append(list, blocking.Options{})[0]
	options.Bridge = ownBridge(t, bridge.Options{})
	return blocking.App(h, options)
}

// said lists the events an app sent, shortly.
func said(sent []parleytest.Sent) (list []string) {
	for _, s := range sent {
		switch e := s.Event.(type) {
		case parley.HTTPResponseStart:
			list = append(list, fmt.Sprintf("start %d", e.Status))
		case parley.HTTPResponseBody:
			list = append(list, fmt.Sprintf("body %q %v", e.Body, e.More))
		default:
			list = append(list, e.EventType())
		}
	}
	return list
}

func request(method, target string, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body == "" {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	return r
}

func TestB78_HandlerSpeaksInEvents(t *testing.T) {
	r := request("GET", "/", "")
	r.Header["X-Twice"] = []string{"one", "two"}
	response := parleytest.Do(t, onBridge(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["X-Out"] = r.Header["X-Twice"]
		w.WriteHeader(201)
		io.WriteString(w, "first ")
		w.(http.Flusher).Flush()
		io.WriteString(w, "second")
	}), r)
	if response.Status != 201 || response.Body != "first second" ||
		!slices.Equal(response.Header["X-Out"], []string{"one", "two"}) {
		t.Errorf("%d %v %q", response.Status, response.Header, response.Body)
	}
	want := []string{"start 201", `body "first " true`, `body "second" false`}
	if got := said(response.Sent); !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestB79_RootPathIsTakenOff(t *testing.T) {
	for path, want := range map[string]string{"/base/x": "/x", "/basement": "/basement",
		"/base": "/"} {
		inner := onBridge(t, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.URL.Path)
		})
		app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			scope = scope.Clone()
			scope.RootPath = "/base"
			return inner.Serve(ctx, scope, conn)
		})
		if got := parleytest.Do(t, app, request("GET", path, "")).Body; got != want {
			t.Errorf("%s: handler saw %s, want %s", path, got, want)
		}
	}
}

func TestB80_PathsAreUTF8(t *testing.T) {
	app := onBridge(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.Path, " ", r.URL.RawPath)
	})
	if got := parleytest.Do(t, app, request("GET", "/caf%C3%A9%2Fbar",
		"")).Body; got != "/café/bar /caf%C3%A9%2Fbar" {
		t.Errorf("handler saw %s", got)
	}
}

func TestB81_SilenceIsAnEmptyAnswer(t *testing.T) {
	response := parleytest.Do(t, onBridge(t, func(http.ResponseWriter, *http.Request) {}),
		request("GET", "/", ""))
	if got := said(response.Sent); !slices.Equal(got, []string{"start 200", `body "" false`}) {
		t.Errorf("sent %q", got)
	}
}

func TestB82_BytesBeyondTheLengthStay(t *testing.T) {
	TestB83_WriterHearsOfTheLength(t)
}

func TestB83_WriterHearsOfTheLength(t *testing.T) {
	var counts []int
	var last error
	response := parleytest.Do(t, onBridge(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "8")
		for _, part := range []string{"1234", "56", "7890", "late"} {
			var n int
			n, last = io.WriteString(w, part)
			counts = append(counts, n)
		}
	}), request("GET", "/", ""))
	if !slices.Equal(counts, []int{4, 2, 2, 0}) || last != http.ErrContentLength ||
		response.Body != "12345678" {
		t.Errorf("wrote %v, %v; client got %q", counts, last, response.Body)
	}
}

func TestB84_AnswerNotBegunIsReplaced(t *testing.T) {
	response := parleytest.Do(t, onBridge(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half an answer")
		panic("trouble")
	}), request("GET", "/", ""))
	if response.Status != 500 || strings.Contains(response.Body, "half") ||
		!errors.Is(response.Err, parley.ErrAppPanic) {
		t.Errorf("%d %q, %v", response.Status, response.Body, response.Err)
	}
}

func TestB84_AnswerBegunIsCut(t *testing.T) {
	response := parleytest.Do(t, onBridge(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic("trouble")
	}), request("GET", "/", ""))
	if response.Status != 200 || !response.Truncated {
		t.Errorf("%d %q, truncated %v", response.Status, response.Body, response.Truncated)
	}
}

func TestB85_BodyIsStreamed(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	r.ContentLength = -1
	exchange := parleytest.Upload(t, onBridge(t, func(w http.ResponseWriter, r *http.Request) {
		buffer := make([]byte, 100)
		for {
			n, err := r.Body.Read(buffer)
			w.Write(buffer[:n])
			w.(http.Flusher).Flush()
			if err != nil {
				return
			}
		}
	}), r)
	for _, part := range []string{"one", "two"} { // each comes back before the next is sent
		exchange.Send(part)
		if got, ok := exchange.Read(); !ok || got != part {
			t.Fatalf("read %q, %v", got, ok)
		}
	}
	exchange.End()
	if err := exchange.Wait(); err != nil {
		t.Error(err)
	}
}

func TestB85_DisconnectEndsBodyAndContext(t *testing.T) {
	r := httptest.NewRequest("POST", "/", nil)
	r.ContentLength = -1
	var bodyErr, cause error
	running := make(chan struct{})
	exchange := parleytest.Upload(t, onBridge(t, func(w http.ResponseWriter, r *http.Request) {
		close(running)
		_, bodyErr = io.ReadAll(r.Body)
		<-r.Context().Done()
		cause = context.Cause(r.Context())
	}), r)
	<-running // a call that has not begun never does, once its client is gone
	exchange.Send("half")
	exchange.Vanish()
	exchange.Wait()
	if !errors.Is(bodyErr, parley.ErrDisconnected) || !errors.Is(cause, parley.ErrDisconnected) {
		t.Errorf("body ended with %v, context with %v", bodyErr, cause)
	}
}

func TestB86_RepeatedHeadersAreRefused(t *testing.T) {
	r := request("GET", "/", "")
	r.Header["X-Many"] = make([]string, 101)
	called := false
	response := parleytest.Do(t, onBridge(t,
		func(http.ResponseWriter, *http.Request) { called = true }), r)
	if response.Status != 400 || called || len(response.Sent) != 2 {
		t.Errorf("%d, handler called %v, %d events", response.Status, called, len(response.Sent))
	}
}

func TestB87_LimitCanBeTurnedOff(t *testing.T) {
	r := request("GET", "/", "")
	r.Header["X-Many"] = make([]string, 10_000)
	response := parleytest.Do(t, onBridge(t, func(http.ResponseWriter, *http.Request) {},
		blocking.Options{MaxRepeatedHeader: -1}), r)
	if response.Status != 200 {
		t.Errorf("%d", response.Status)
	}
}

// The handler and every sensitive call below it share a lane; what the handler
// calls while an event is on its way is served.
func TestBlockingKeepsToOneLane(t *testing.T) {
	var depth int
	inner := bridge.SyncToAsync0(func(context.Context) (int, error) { return depth, nil },
		bridge.Sensitive())
	app := onBridge(t, func(w http.ResponseWriter, r *http.Request) {
		depth = 42 // no lock: one thread
		value, err := inner(r.Context()).Await(r.Context())
		fmt.Fprint(w, value, err)
	})
	if got := parleytest.Do(t, app, request("GET", "/", "")).Body; got != "42 <nil>" {
		t.Errorf("got %s", got)
	}
}

func TestBlockingOverNetwork(t *testing.T) {
	b := ownBridge(t, bridge.Options{Capacity: 2})
	server := httptest.NewServer(nethttp.Handler(blocking.App(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	}), blocking.Options{Bridge: b, AnyThread: true})))
	defer server.Close()
	defer http.DefaultClient.CloseIdleConnections()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			sent := strings.Repeat(fmt.Sprint(i), 100_000)
			response, err := http.Post(server.URL, "text/plain", strings.NewReader(sent))
			if err != nil {
				t.Error(err)
				return
			}
			defer response.Body.Close()
			if got, err := io.ReadAll(response.Body); err != nil || string(got) != sent {
				t.Errorf("%d bytes came back, %v", len(got), err)
			}
		})
	}
	all.Wait()
}

func TestBlockingRefusedIs503(t *testing.T) {
	b := ownBridge(t, bridge.Options{})
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	app := blocking.App(http.NotFoundHandler(), blocking.Options{Bridge: b})
	if response := parleytest.Do(t, app, request("GET", "/", "")); response.Status != 503 {
		t.Errorf("%d", response.Status)
	}
}

// A thread that cannot be made ready is refused too, and the next request tries anew.
func TestFailedStartIs503(t *testing.T) {
	failed := false
	app := blocking.App(http.NotFoundHandler(), blocking.Options{Bridge: ownBridge(t, bridge.Options{
		Lane: bridge.LaneOptions{Start: func() error {
			if failed {
				return nil
			}
			failed = true
			return errors.New("no apartment")
		}},
	})})
	for _, want := range []int{503, 404} {
		response := parleytest.Do(t, app, request("GET", "/", ""))
		if response.Status != want {
			t.Errorf("%d, want %d", response.Status, want)
		}
	}
}

func TestMistakesOfWiring(t *testing.T) {
	handler := http.NotFoundHandler()
	for want, wire := range map[string]func(){
		"blocking: App of a nil handler": func() { blocking.App(nil) },
		"blocking: App takes one Options": func() {
			blocking.App(handler, blocking.Options{}, blocking.Options{})
		},
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %q", got, want)
				}
			}()
			wire()
		}()
	}
}
