package middleware_test

import (
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/middleware"
	"github.com/parleygo/parley/parleytest"
)

func panicking(before func(ctx context.Context, conn parley.Conn)) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if before != nil {
			before(ctx, conn)
		}
		panic("boom")
	})
}

func TestRecoverSocket(t *testing.T) {
	logger, log := recorder()
	reported := false
	app := middleware.Recover(middleware.RecoverOptions{Logger: logger,
		Report: func(_ context.Context, _ *parley.Scope, value any, stack []byte) {
			reported = value == "boom" && len(stack) > 0
		},
	})(panicking(func(ctx context.Context, conn parley.Conn) {
		conn.Send(ctx, parley.WebSocketAccept{})
	}))
	ws := parleytest.Dial(t, app, get("/chat?ticket=secret"))
	if code, _ := ws.Closed(); code != parley.CloseInternalError {
		t.Errorf("closed with %d", code)
	}
	if err := ws.Wait(); !errors.Is(err, parley.ErrAppPanic) {
		t.Error(err)
	}
	text := log.String()
	if !reported || !strings.Contains(text, "recover_test.go") || strings.Contains(text, "secret") {
		t.Errorf("reported %v, log: %s", reported, log)
	}
}

func TestRecoverHTTPBeforeAnswer(t *testing.T) {
	logger, _ := recorder()
	app := middleware.Recover(middleware.RecoverOptions{Logger: logger})(panicking(nil))
	got := parleytest.Do(t, app, get("/"))
	if got.Status != 500 || strings.Contains(got.Body, "boom") {
		t.Errorf("%d %q", got.Status, got.Body)
	}
}

func TestRecoverHTTPAfterStart(t *testing.T) {
	logger, _ := recorder()
	half := func(ctx context.Context, conn parley.Conn) {
		conn.Send(ctx, parley.HTTPResponseStart{Status: 200})
		conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("half"), More: true})
	}
	app := middleware.Recover(middleware.RecoverOptions{Logger: logger})(panicking(half))
	got := parleytest.Do(t, app, get("/"))
	if got.Status != 200 || !got.Truncated || !errors.Is(got.Err, parley.ErrAppPanic) {
		t.Errorf("%d truncated %v: %v", got.Status, got.Truncated, got.Err)
	}
}

// A handler that runs natively answers past everybody: 500 if nothing was said,
// and never a half answer that looks whole.
func TestRecoverNative(t *testing.T) {
	logger, _ := recorder()
	mux := http.NewServeMux()
	mux.HandleFunc("/before", func(http.ResponseWriter, *http.Request) { panic("boom") })
	mux.HandleFunc("/after", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
		panic("boom")
	})
	app := middleware.Recover(middleware.RecoverOptions{Logger: logger})(nethttp.App(mux))
	server := httptest.NewUnstartedServer(nethttp.Handler(app))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	defer server.Close()
	client := server.Client()
	defer client.CloseIdleConnections()

	response, err := client.Get(server.URL + "/before")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 500 {
		t.Errorf("status %d", response.StatusCode)
	}
	if response, err = client.Get(server.URL + "/after"); err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err == nil || string(body) != "half" {
		t.Errorf("body %q, %v: looks whole", body, err)
	}
}

// So is it for an app of events over the network.
func TestRecoverEvents(t *testing.T) {
	logger, _ := recorder()
	app := middleware.Recover(middleware.RecoverOptions{Logger: logger})(panicking(nil))
	gateway := nethttp.Handler(app, nethttp.Options{Logger: slog.New(slog.DiscardHandler)})
	server := httptest.NewUnstartedServer(gateway)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	response, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); response.StatusCode != 500 || err != nil {
		t.Errorf("%d %q %v", response.StatusCode, body, err)
	}
}

func TestRecoverLetsAbortThrough(t *testing.T) {
	app := middleware.Recover(middleware.RecoverOptions{})(parley.AppFunc(
		func(context.Context, *parley.Scope, parley.Conn) error { panic(http.ErrAbortHandler) }))
	defer func() {
		if value := recover(); value != http.ErrAbortHandler {
			t.Errorf("panicked with %v", value)
		}
	}()
	app.Serve(t.Context(), &parley.Scope{Protocol: parley.Lifespan}, nil)
}

func TestRecoverPassesOthers(t *testing.T) {
	passesOthers(t, middleware.Recover(middleware.RecoverOptions{}))
}
