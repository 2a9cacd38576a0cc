package parleyprometheus_test

import (
	"fmt"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parleygo/parley/adapters/nethttp"
	parleyprometheus "github.com/parleygo/parley/contrib/prometheus"
)

func Example() {
	gateway := nethttp.Handler(echo)
	registry := prometheus.NewRegistry()
	registry.MustRegister(parleyprometheus.New(parleyprometheus.Options{
		Gateways: map[string]*nethttp.Gateway{"chat": gateway},
	}))
	err := testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP parley_websockets_open WebSockets that are open.
# TYPE parley_websockets_open gauge
parley_websockets_open{gateway="chat"} 0
`), "parley_websockets_open")
	fmt.Println(err)
	// Output: <nil>
}
