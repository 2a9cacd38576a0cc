package parleyotel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	parleyotel "github.com/parleygo/parley/contrib/otel"
	"github.com/parleygo/parley/parleytest"
	"github.com/parleygo/parley/router"
)

const (
	traceID     = "0af7651916cd43dd8448eb211c80319c"
	traceparent = "00-" + traceID + "-b7ad6b7169203331-01"
)

// recording is a Tracing and what it has recorded.
func recording(o parleyotel.Options, options ...sdk.TracerProviderOption) (
	*parleyotel.Tracing, *tracetest.SpanRecorder,
) {
	recorder := tracetest.NewSpanRecorder()
	o.TracerProvider = sdk.NewTracerProvider(append(options, sdk.WithSpanProcessor(recorder))...)
	return parleyotel.New(o), recorder
}

// only is the one span that was recorded.
func only(t *testing.T, recorder *tracetest.SpanRecorder) sdk.ReadOnlySpan {
	t.Helper()
	spans := recorder.Ended()
	if len(spans) != 1 || len(recorder.Started()) != 1 {
		t.Fatalf("%d spans of %d", len(spans), len(recorder.Started()))
	}
	return spans[0]
}

func attributesOf(list []attribute.KeyValue) map[string]string {
	all := make(map[string]string)
	for _, a := range list {
		all[string(a.Key)] = a.Value.Emit()
	}
	return all
}

func expect(t *testing.T, got map[string]string, want map[string]string) {
	t.Helper()
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s is %q, want %q", key, got[key], value)
		}
	}
}

// hello answers in events, below a route, and checks that it is in the span's trace.
func hello(t *testing.T, tracing *parleyotel.Tracing, answer func(context.Context, parley.Conn) error) parley.App {
	routes := new(router.URLs)
	routes.Handle("GET /hello/{name}", parley.AppFunc(func(
		ctx context.Context, _ *parley.Scope, conn parley.Conn,
	) error {
		if !trace.SpanContextFromContext(ctx).IsValid() {
			t.Error("the app has no span")
		}
		return answer(ctx, conn)
	}))
	return parley.Chain(routes, tracing.Middleware())
}

func TestRequests(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(ctx context.Context, conn parley.Conn) error
		status string
		code   codes.Code
		kind   string
	}{
		{"ok", func(ctx context.Context, conn parley.Conn) error {
			return parley.Respond(ctx, conn, 200, nil, []byte("hello"))
		}, "200", codes.Unset, ""},
		{"not found", func(context.Context, parley.Conn) error { return parley.ErrNotFound }, "404", codes.Unset, ""},
		{"error", func(context.Context, parley.Conn) error { return errors.New("no") }, "500", codes.Error, "error"},
		{"panic", func(context.Context, parley.Conn) error { panic("a bug") }, "500", codes.Error, "panic"},
		{"answered 503", func(ctx context.Context, conn parley.Conn) error {
			return parley.Respond(ctx, conn, 503, nil, nil)
		}, "503", codes.Error, "Service Unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tracing, recorder := recording(parleyotel.Options{})
			server := serve(t, hello(t, tracing, c.answer))
			ask(t, server.URL+"/hello/ann?secret")
			span := only(t, recorder)
			got := attributesOf(span.Attributes())
			expect(t, got, map[string]string{
				"http.request.method": "GET", "url.scheme": "http", "url.path": "/hello/ann",
				"http.response.status_code": c.status, "network.protocol.name": "http",
				"network.protocol.version": "1.1", "server.address": "127.0.0.1", "client.address": "127.0.0.1",
				"user_agent.original": "tester", "error.type": c.kind,
			})
			if span.SpanKind() != trace.SpanKindServer || span.Status().Code != c.code {
				t.Errorf("kind %v, status %+v", span.SpanKind(), span.Status())
			}
			if c.name == "ok" && (span.Name() != "GET /hello/{name}" || got["http.route"] != "/hello/{name}") {
				t.Errorf("named %q at %q", span.Name(), got["http.route"])
			}
			if span.SpanContext().TraceID().String() != traceID || !span.Parent().IsRemote() {
				t.Errorf("in trace %v, below %v", span.SpanContext().TraceID(), span.Parent())
			}
			for key, value := range got {
				if strings.Contains(value, "secret") {
					t.Errorf("%s tells the query", key)
				}
			}
		})
	}
}

func serve(t *testing.T, app parley.App) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(nethttp.Handler(app, nethttp.Options{Logger: slog.New(slog.DiscardHandler)}))
	t.Cleanup(server.Close)
	return server
}

// ask asks once, as part of a trace.
func ask(t *testing.T, url string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Traceparent", traceparent)
	request.Header.Set("User-Agent", "tester")
	request.Close = true
	if answer, err := http.DefaultClient.Do(request); err == nil {
		answer.Body.Close()
	}
}

// TestUntraced: what the sampler or the filter does not want has no span, and a handler
// of net/http keeps the server's own writer.
// TestHostileText: nothing that a client writes is long, or no text, in a span.
func TestHostileText(t *testing.T) {
	tracing, recorder := recording(parleyotel.Options{})
	app := hello(t, tracing, func(context.Context, parley.Conn) error { return nil })
	r := httptest.NewRequest("GET", "/hello/%ff"+strings.Repeat("x", 10_000), nil)
	r.Method, r.Host = strings.Repeat("X", 10_000), "\xff"+strings.Repeat("h", 10_000)
	r.Header.Set("User-Agent", "\xff"+strings.Repeat("a", 10_000))
	parleytest.Do(t, app, r)
	for key, text := range attributesOf(only(t, recorder).Attributes()) {
		if !utf8.ValidString(text) || len(text) > 256 {
			t.Errorf("%s: %d bytes, %.40q", key, len(text), text)
		}
	}
}

func TestUntraced(t *testing.T) {
	never := sdk.WithSampler(sdk.NeverSample())
	for name, c := range map[string]struct {
		o       parleyotel.Options
		options []sdk.TracerProviderOption
		native  bool
	}{
		"sampler": {parleyotel.Options{}, []sdk.TracerProviderOption{never}, true},
		"filter":  {parleyotel.Options{Filter: func(*parley.Scope) bool { return false }}, nil, true},
		"traced":  {parleyotel.Options{}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			tracing, recorder := recording(c.o, c.options...)
			native := false
			handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				native = fmt.Sprintf("%T", w) == "*http.response"
			})
			ask(t, serve(t, parley.Chain(nethttp.App(handler), tracing.Middleware())).URL)
			if native != c.native {
				t.Errorf("native: %v, want %v", native, c.native)
			}
			if n := len(recorder.Ended()); n > 0 == c.native {
				t.Errorf("%d spans", n)
			}
		})
	}
}

// TestPublicEndpoint: a client's trace is linked to, and not gone on in.
func TestPublicEndpoint(t *testing.T) {
	tracing, recorder := recording(parleyotel.Options{PublicEndpoint: true})
	ask(t, serve(t, hello(t, tracing, func(ctx context.Context, conn parley.Conn) error {
		return parley.Respond(ctx, conn, 204, nil, nil)
	})).URL)
	span := only(t, recorder)
	if span.SpanContext().TraceID().String() == traceID || span.Parent().IsValid() {
		t.Errorf("in trace %v, below %v", span.SpanContext().TraceID(), span.Parent())
	}
	if links := span.Links(); len(links) != 1 || links[0].SpanContext.TraceID().String() != traceID {
		t.Errorf("linked to %v", links)
	}
}

// TestLifespan: what is no conversation of a client passes.
func TestLifespan(t *testing.T) {
	tracing, recorder := recording(parleyotel.Options{})
	app := parley.Chain(parley.App(parley.LifespanHooks{}), tracing.Middleware())
	if err := parleytest.Run(t, app).Startup(); err != nil {
		t.Error(err)
	}
	if n := len(recorder.Started()); n != 0 {
		t.Errorf("%d spans", n)
	}
}

func TestMistakes(t *testing.T) {
	for name, mistake := range map[string]func(){
		"negative":     func() { parleyotel.New(parleyotel.Options{Messages: -1}) },
		"more than 1":  func() { parleyotel.New(parleyotel.Options{Messages: 1.5}) },
		"nil app":      func() { parleyotel.New(parleyotel.Options{}).Middleware()(nil) },
		"nil function": func() { parleyotel.SyncToAsyncErr[int](parleyotel.New(parleyotel.Options{}), "", nil) },
		"nil Tracing":  func() { parleyotel.SyncToAsync(nil, "", func(context.Context, int) (int, error) { return 0, nil }) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			mistake()
		})
	}
}
