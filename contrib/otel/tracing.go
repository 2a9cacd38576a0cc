package parleyotel

import (
	"context"
	"net"
	"strconv"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/internal/census"
	"github.com/parleygo/parley/middleware"
)

// Options of a Tracing. The zero value uses the global provider of package otel.
type Options struct {
	// TracerProvider makes the spans. Default otel.GetTracerProvider(), at the time of
	// each span.
	TracerProvider trace.TracerProvider

	// Propagator reads the trace that a request belongs to. Default W3C's: Traceparent,
	// Tracestate and Baggage.
	Propagator propagation.TextMapPropagator

	// PublicEndpoint has conversations begin traces of their own, with a link to the
	// one that the client names. Default: they go on in that.
	PublicEndpoint bool

	// Filter, if set, says which conversations have a span at all.
	Filter func(scope *parley.Scope) bool

	// Messages is the fraction of a WebSocket's messages that are events of its span,
	// from 0, the default, to 1.
	Messages float64
}

// Tracing makes spans. Its methods may be called from any goroutine.
type Tracing struct{ options Options }

// New makes a Tracing. It panics for options that make no sense.
func New(o Options) *Tracing {
	if !(o.Messages >= 0 && o.Messages <= 1) { // nor NaN
		panic("parleyotel: Options.Messages: " + strconv.FormatFloat(o.Messages, 'g', -1, 64) +
			" is no fraction")
	}
	if o.Propagator == nil {
		o.Propagator = propagation.NewCompositeTextMapPropagator(
			propagation.TraceContext{}, propagation.Baggage{})
	}
	return &Tracing{o}
}

const scopeName = "github.com/parleygo/parley/contrib/otel"

func (t *Tracing) tracer() trace.Tracer {
	provider := t.options.TracerProvider
	if provider == nil {
		provider = otel.GetTracerProvider()
	}
	return provider.Tracer(scopeName)
}

// Middleware makes a span for each HTTP request and each WebSocket. Other protocols
// pass it by.
func (t *Tracing) Middleware() parley.Middleware {
	return func(next parley.App) parley.App {
		if next == nil {
			panic("parleyotel: Middleware of a nil app")
		}
		seen := middleware.AccessLog(middleware.AccessLogOptions{Record: end})(t.watched(next))
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			if scope.Protocol != parley.HTTP && scope.Protocol != parley.WebSocket ||
				t.options.Filter != nil && !t.options.Filter(scope) {
				return next.Serve(ctx, scope, conn)
			}
			ctx, span := t.begin(ctx, scope)
			if !span.IsRecording() {
				return next.Serve(ctx, scope, conn)
			}
			return seen.Serve(ctx, scope, conn)
		})
	}
}

// begin begins the span of a conversation.
func (t *Tracing) begin(ctx context.Context, scope *parley.Scope) (context.Context, trace.Span) {
	r := scope.Request
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes(scope)...),
	}
	client := t.options.Propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	if t.options.PublicEndpoint {
		options = append(options, trace.WithNewRoot())
		if named := trace.SpanContextFromContext(client); named.IsValid() && named.IsRemote() {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: named}))
		}
	} else {
		ctx = client
	}
	return t.tracer().Start(ctx, method(r.Method), options...)
}

// attributes are those that a sampler may want to know. What a client can write is bounded,
// and valid UTF-8: exporters refuse a whole batch for less.
func attributes(scope *parley.Scope) []attribute.KeyValue {
	r := scope.Request
	list := []attribute.KeyValue{
		attribute.String("http.request.method", method(r.Method)),
		attribute.String("url.scheme", scope.Scheme()),
		attribute.String("url.path", census.Clip(r.URL.Path)),
		attribute.String("network.protocol.name", string(scope.Protocol)),
		attribute.String("network.protocol.version", version(r.ProtoMajor, r.ProtoMinor)),
	}
	if m := method(r.Method); m == "_OTHER" {
		list = append(list, attribute.String("http.request.method_original", census.Clip(r.Method)))
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if host != "" {
		list = append(list, attribute.String("server.address", census.Clip(host)))
	}
	if n, err := strconv.Atoi(port); err == nil {
		list = append(list, attribute.Int("server.port", n))
	}
	if client, ok := scope.Client(); ok {
		list = append(list, attribute.String("client.address", client.Addr().String()))
	}
	if agent := r.UserAgent(); agent != "" {
		list = append(list, attribute.String("user_agent.original", census.Clip(agent)))
	}
	return list
}

// method is a method of the conventions' list, which keeps span names few.
func method(name string) string {
	switch name {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE":
		return name
	}
	return "_OTHER"
}

func version(major, minor int) string {
	if major > 1 {
		return strconv.Itoa(major)
	}
	return strconv.Itoa(major) + "." + strconv.Itoa(minor)
}
