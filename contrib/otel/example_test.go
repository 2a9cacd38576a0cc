package parleyotel_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	parleyotel "github.com/parleygo/parley/contrib/otel"
	"github.com/parleygo/parley/router"
)

func Example() {
	recorder := tracetest.NewSpanRecorder() // in place of an exporter
	tracing := parleyotel.New(parleyotel.Options{
		TracerProvider: sdk.NewTracerProvider(sdk.WithSpanProcessor(recorder)),
	})
	routes := new(router.URLs)
	routes.Handle("/hello/{name}", parley.AppFunc(func(
		ctx context.Context, scope *parley.Scope, conn parley.Conn,
	) error {
		return parley.Respond(ctx, conn, 200, nil, []byte("hello "+scope.PathValue("name")))
	}))
	gateway := nethttp.Handler(parley.Chain(routes, tracing.Middleware()))
	gateway.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/hello/ann", nil))
	for _, span := range recorder.Ended() {
		fmt.Println(span.SpanKind(), span.Name())
	}
	// Output: server GET /hello/{name}
}
