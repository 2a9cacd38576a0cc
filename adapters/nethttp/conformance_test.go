package nethttp_test

import (
	"net/http"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/parleytest"
)

func TestConformance(t *testing.T) {
	parleytest.Conform(t, parleytest.Live(func(app parley.App) http.Handler {
		return nethttp.Handler(app, nethttp.Options{Logger: silent, WebSocket: unhurried})
	}))
}

func TestConformanceWithHold(t *testing.T) {
	parleytest.Conform(t, parleytest.Live(func(app parley.App) http.Handler {
		return nethttp.Handler(app, nethttp.Options{
			Logger: silent, Mode: nethttp.Hold, WebSocket: unhurried,
		})
	}))
}
