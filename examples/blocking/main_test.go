package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/parleygo/parley/bridge"
	"github.com/parleygo/parley/internal/servicetest"
)

func TestBridgedTakesFewThreads(t *testing.T) {
	back, err := openBackend()
	if err != nil {
		t.Fatal(err)
	}
	defer back.close()
	b, err := bridge.New(bridge.Options{Capacity: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close(context.Background())

	ctx := bridge.With(context.Background(), b)
	l := load{calls: 100, capacity: 4, slow: 5 * time.Millisecond}
	before := threadsStarted()
	err = l.run(ctx, func(ctx context.Context, d time.Duration) (string, error) {
		return bridge.Call(ctx, back.query, d)
	})
	if err != nil {
		t.Fatal(err)
	}
	if started := threadsStarted() - before; started > 4+16 {
		t.Errorf("bridged: %d threads for a capacity of 4", started)
	}
}

func TestRunPrintsTheTableServesAndStops(t *testing.T) {
	addr := "127.0.0.1:" + servicetest.FreePort(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	out, output := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, output, addr, load{calls: 50, capacity: 4, slow: time.Millisecond, way: "both"})
		output.Close()
	}()
	var printed bytes.Buffer
	chunk := make([]byte, 1024)
	for !strings.Contains(printed.String(), "serving") {
		n, err := out.Read(chunk)
		if err != nil {
			t.Fatalf("%v after %q", err, printed.String())
		}
		printed.Write(chunk[:n])
	}
	go io.Copy(io.Discard, out)
	for _, want := range []string{"bridged", "naive", "threads"} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("no %q in %q", want, printed.String())
		}
	}
	answer := get(t, "http://"+addr+"/query")
	if !strings.Contains(answer, "waited") {
		t.Errorf("answer is %q", answer)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// get tries until the server listens.
func get(t *testing.T, url string) string {
	t.Helper()
	for {
		response, err := http.Get(url)
		if err == nil {
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if err != nil {
				t.Fatal(err)
			}
			return string(body)
		}
		if !strings.Contains(err.Error(), "refused") {
			t.Fatal(err)
		}
	}
}
