package nethttp_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// These tests have WebSocket clients of other languages talk to the kit. They
// skip where the client is not installed, except in CI.

func needed() bool { return os.Getenv("PARLEY_REQUIRE_SERVICES") != "" }

// missing skips the test, or fails it where nothing may be missing.
func missing(t *testing.T, what string, err error) {
	t.Helper()
	if needed() {
		t.Fatalf("%s: %v", what, err)
	}
	t.Skipf("%s: %v", what, err)
}

// patient ends a client that has got stuck.
func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), adaptertest.Patience)
	t.Cleanup(cancel)
	return ctx
}

// TestClientPython talks with the websockets package.
func TestClientPython(t *testing.T) {
	python := "/usr/bin/python3" // the system's, for which the package is installed
	if output, err := exec.Command(python, "-c", "import websockets").CombinedOutput(); err != nil {
		missing(t, "no websockets for Python: "+string(output), err)
	}
	command := exec.CommandContext(patient(t), python, filepath.Join("testdata", "client.py"))
	command.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
	talkTo(t, command, "denied 418")
}

// TestClientNode talks with the ws package, which is installed for the test where
// nothing may be missing.
func TestClientNode(t *testing.T) {
	script, err := filepath.Abs(filepath.Join("testdata", "client.js"))
	if err != nil {
		t.Fatal(err)
	}
	resolve := exec.Command("node", "-e", "require('ws')")
	env := os.Environ()
	if err := resolve.Run(); err != nil {
		if !needed() {
			t.Skip("no ws for Node:", err)
		}
		dir := t.TempDir()
		install := exec.CommandContext(t.Context(), "npm", "install", "--no-audit", "--no-fund",
			"--prefix", dir, "ws@8")
		if output, err := install.CombinedOutput(); err != nil {
			t.Fatalf("installing ws: %v\n%s", err, output)
		}
		env = append(env, "NODE_PATH="+filepath.Join(dir, "node_modules"))
	}
	command := exec.CommandContext(patient(t), "node", script)
	command.Env = env
	talkTo(t, command, "denied 418 teapot")
}

// talkTo runs a client against the kit and compares what both sides saw.
func talkTo(t *testing.T, client *exec.Cmd, denied string) {
	t.Helper()
	left := make(chan error, 1)
	server := adaptertest.Serve(t, gateway(parley.WebSocketFunc(func(ctx context.Context,
		ws *parley.Socket) error {
		switch ws.Scope().Request.URL.Path {
		case "/denied":
			return ws.Deny(ctx, parley.WebSocketDeny{Status: 418, Body: []byte("teapot")})
		case "/left":
			_, err := acceptAndRead(ctx, ws, "")
			left <- err
			return err
		}
		return echoUntilAsked(ctx, ws)
	}), nethttp.Options{WebSocket: unhurried}))
	client.Args = append(client.Args, "ws"+strings.TrimPrefix(server.URL, "http"))
	var stderr strings.Builder
	client.Stderr = &stderr
	output, err := client.Output()
	if err != nil {
		t.Fatalf("the client: %v\n%s%s", err, output, stderr.String())
	}
	want := []string{"open v2", "text text é", "binary 0001ff", "closed 4001 as you wish", "left 4002",
		denied}
	if got := strings.Split(strings.TrimSpace(string(output)), "\n"); !slices.Equal(got, want) {
		t.Errorf("the client saw %q, want %q", got, want)
	}
	var closed *parley.CloseError
	if err := adaptertest.Await(t, left, "the app that is left"); !errors.As(err, &closed) ||
		*closed != (parley.CloseError{Code: 4002, Reason: "had enough"}) {
		t.Errorf("the app was left with %v", err)
	}
}

func acceptAndRead(ctx context.Context, ws *parley.Socket,
	subprotocol string) (parley.WebSocketReceive, error) {
	if err := ws.Accept(ctx, parley.WebSocketAccept{Subprotocol: subprotocol}); err != nil {
		return parley.WebSocketReceive{}, err
	}
	return ws.Read(ctx)
}

func echoUntilAsked(ctx context.Context, ws *parley.Socket) error {
	message, err := acceptAndRead(ctx, ws, "v2")
	for ; err == nil; message, err = ws.Read(ctx) {
		if message.Text() == "close me" {
			return ws.Close(ctx, 4001, "as you wish")
		}
		if err := ws.Write(ctx, parley.WebSocketSend{Type: message.Type,
			Data: message.Data}); err != nil {
			return err
		}
	}
	return err
}
