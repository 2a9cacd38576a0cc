package thirdparty

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/auth"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

const (
	traceID     = "0af7651916cd43dd8448eb211c80319c"
	traceparent = "00-" + traceID + "-b7ad6b7169203331-01"
)

// tracing returns otelhttp as middleware of any app, and what it records.
func tracing() (parley.Middleware, *tracetest.SpanRecorder) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder))
	return nethttp.Middleware(otelhttp.NewMiddleware("parley", otelhttp.WithTracerProvider(provider),
		otelhttp.WithPropagators(propagation.TraceContext{}))), recorder
}

func traced(t *testing.T, ctx context.Context) {
	t.Helper()
	if got := trace.SpanContextFromContext(ctx).TraceID().String(); got != traceID {
		t.Errorf("the app is in trace %s", got)
	}
}

// The client's trace goes on in an app of requests, below guards of ours, and in a
// handler that runs natively.
func TestOtelInFrontOfHTTP(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		traced(t, r.Context())
	})
	app := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		traced(t, ctx)
		return parley.Respond(ctx, conn, 200, nil, nil)
	})
	for name, app := range map[string]parley.App{"events": app, "native": nethttp.App(handler)} {
		t.Run(name, func(t *testing.T) {
			otel, recorder := tracing()
			stack := auth.Stack(auth.StackOptions{})
			answer(t, gateway(parley.Chain(app, otel, stack)), "GET", "/", "Traceparent", traceparent)
			if n := len(recorder.Ended()); n != 1 {
				t.Errorf("%d spans", n)
			}
		})
	}
}

// And in a socket, whose span ends when the socket does.
func TestOtelInFrontOfSockets(t *testing.T) {
	otel, recorder := tracing()
	app := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		traced(t, ctx)
		ws.Accept(ctx, parley.WebSocketAccept{})
		_, err := ws.Read(ctx)
		return err
	})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Traceparent", traceparent)
	ws := parleytest.Dial(t, parley.Chain(app, otel,
		middleware.NewOrigin(middleware.OriginOptions{}).Wrap), r)
	ws.Accept()
	if n := len(recorder.Ended()); n != 0 {
		t.Errorf("%d spans ended while the socket is open", n)
	}
	ws.Close(1000, "")
	ws.Wait()
	if n := len(recorder.Ended()); n != 1 {
		t.Errorf("%d spans", n)
	}
}
