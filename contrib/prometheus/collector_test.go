package parleyprometheus_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/channel"
	parleyprometheus "github.com/parleygo/parley/contrib/prometheus"
	"github.com/parleygo/parley/router"
	"github.com/parleygo/parley/server"
)

// echo says back what it hears.
var echo = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	for {
		message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		if err := ws.Write(ctx, parley.Text(message.Text())); err != nil {
			return err
		}
	}
})

// service is a server with a bridge and a layer, whose metrics it serves itself.
func service(t *testing.T) (*server.Server, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	routes := new(router.URLs)
	routes.Handle("/echo", echo)
	routes.Handle("/metrics", nethttp.App(promhttp.HandlerFor(registry, promhttp.HandlerOpts{})))
	s := server.New(routes, server.Options{Addr: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	pool, err := bridge.New(bridge.Options{})
	if err != nil {
		t.Fatal(err)
	}
	layer := channel.New(channel.Options{})
	t.Cleanup(func() {
		pool.Close(context.Background())
		layer.Close(context.Background())
	})
	registry.MustRegister(parleyprometheus.New(parleyprometheus.Options{
		Server: s, Bridges: map[string]*bridge.Bridge{"pool": pool},
		Layers: map[string]*channel.Layer{"local": layer},
	}))
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s, registry
}

// scrape asks a server for its metrics, as Prometheus does.
func scrape(t *testing.T, addr net.Addr) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr.String()+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestScrape(t *testing.T) {
	s, _ := service(t)
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.Addr().String()+"/echo", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.WriteMessage(websocket.TextMessage, []byte("hello"))
	if _, _, err := conn.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	scrape(t, s.Addr())
	got := strings.Split(scrape(t, s.Addr()), "\n")
	for _, want := range []string{
		`parley_ready 1`,
		`parley_connections_accepted_total 3`,
		`parley_http_requests_in_flight{gateway="server"} 1`,
		`parley_http_request_duration_seconds_bucket{gateway="server",le="+Inf"} 1`,
		`parley_websockets_open{gateway="server"} 1`,
		`parley_websocket_handshakes_total{answer="accepted",gateway="server"} 1`,
		`parley_websocket_close_codes_total{code="1006",gateway="server"} 0`,
		`parley_websocket_close_codes_total{code="4xxx",gateway="server"} 0`,
		`parley_websocket_close_causes_total{cause="slow_consumer",gateway="server"} 0`,
		`parley_websocket_messages_total{direction="in",gateway="server"} 1`,
		`parley_websocket_message_bytes_total{direction="out",gateway="server"} 5`,
		`parley_websocket_queue_messages_bucket{gateway="server",le="0"} 1`,
		`parley_websocket_queue_messages_count{gateway="server"} 1`,
		`parley_bridge_calls_queued{bridge="pool"} 0`,
		`parley_channel_messages_sent_total{layer="local",outcome="enqueued"} 0`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("the scrape has no line %s", want)
		}
	}
	if t.Failed() {
		t.Log(strings.Join(got, "\n"))
	}
}

// TestLint: names, units and kinds keep to Prometheus' rules.
func TestLint(t *testing.T) {
	_, registry := service(t)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Errorf("%s: %s", problem.Metric, problem.Text)
	}
}

// TestBounded: scrape after scrape there are the same series, whatever clients do.
func TestBounded(t *testing.T) {
	s, registry := service(t)
	before, err := testutil.GatherAndCount(registry)
	if err != nil {
		t.Fatal(err)
	}
	for code := 4000; code < 4020; code++ {
		conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.Addr().String()+"/echo", nil)
		if err != nil {
			t.Fatal(err)
		}
		conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, "made up"))
		conn.ReadMessage()
		conn.Close()
	}
	after, err := testutil.GatherAndCount(registry)
	if err != nil || after != before {
		t.Errorf("%d series, then %d, %v", before, after, err)
	}
}

// TestGateways: those of a program with a server of its own, by name.
func TestGateways(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(parleyprometheus.New(parleyprometheus.Options{
		Gateways: map[string]*nethttp.Gateway{"api": nethttp.Handler(echo), "admin": nethttp.Handler(echo)},
	}))
	n, err := testutil.GatherAndCount(registry, "parley_websockets_open")
	if err != nil || n != 2 {
		t.Errorf("%d series, %v", n, err)
	}
}

func TestMistakes(t *testing.T) {
	service := server.New(echo, server.Options{})
	for name, o := range map[string]parleyprometheus.Options{
		"twice":   {Server: service, Gateways: map[string]*nethttp.Gateway{"a": nethttp.Handler(echo)}},
		"gateway": {Gateways: map[string]*nethttp.Gateway{"a": nil}},
		"bridge":  {Bridges: map[string]*bridge.Bridge{"a": nil}},
		"layer":   {Layers: map[string]*channel.Layer{"a": nil}},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			parleyprometheus.New(o)
		})
	}
}
