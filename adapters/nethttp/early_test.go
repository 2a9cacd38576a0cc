package nethttp_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
)

// earlyApps answer before they have read the body.
var earlyApps = []struct {
	name string
	app  parley.App
}{
	{"whole", answerOnly},
	{"in parts", httpApp(func(ctx context.Context, conn parley.Conn) error {
		return sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200},
			parley.HTTPResponseBody{Body: []byte("ans"),
				More: true}, parley.HTTPResponseBody{Body: []byte("wer")})
	})},
	{"after a wait that ended", httpApp(func(ctx context.Context, conn parley.Conn) error {
		enough, cancel := context.WithCancel(ctx)
		cancel()
		if event, err := conn.Receive(enough); event == nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("received %v, %v", event, err)
		}
		return respond(ctx, conn, "answer")
	})},
	{"after one part", httpApp(func(ctx context.Context, conn parley.Conn) error {
		if _, err := conn.Receive(ctx); err != nil {
			return err
		}
		return respond(ctx, conn, "answer")
	})},
	{"while a goroutine waits for the end", httpApp(func(ctx context.Context, conn parley.Conn) error {
		waited := make(chan struct{})
		watched, stop := context.WithCancel(ctx)
		go func() {
			defer close(waited)
			<-watched.Done()
		}()
		defer func() { stop(); <-waited }()
		return respond(ctx, conn, "answer")
	})},
}

// TestEarlyAnswers: an answer that comes before the body was read arrives whole
// and without a panic of the server ("invalid concurrent Body.Read call"), and
// what follows the body on the connection is answered too, unless the answer has
// announced that the connection ends.
func TestEarlyAnswers(t *testing.T) {
	const rounds = 20
	bodies := map[string]string{"small": "body", "middle": strings.Repeat("x", 100<<10),
		"large": strings.Repeat("x", 1<<20)}
	for _, c := range earlyApps {
		server := adaptertest.Serve(t, gateway(c.app))
		for size, body := range bodies {
			for _, request := range []struct{ name, text string }{
				{"fixed length", persisting("POST", body)},
				{"chunked", chunked(fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body))},
				{"closing", posting("/", body)},
			} {
				t.Run(c.name+"/"+size+"/"+request.name, func(t *testing.T) {
					for range rounds {
						exchangeEarly(t, server.Dial(), request.text)
					}
				})
			}
		}
	}
}

func exchangeEarly(t *testing.T, client *adaptertest.Client, request string) {
	t.Helper()
	defer client.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		client.Say("%s", request+persisting("GET", ""))
	}()
	first := client.Response("POST")
	if first.Status != 200 || first.Body != "answer" || first.Cut {
		t.Fatalf("the answer is %+v", first)
	}
	if second := client.Response("GET"); first.Close != second.Cut || !first.Close &&
		second.Body != "answer" {
		t.Fatalf("behind %+v came %+v", first, second)
	}
	client.Close()
	adaptertest.Await(t, sent, "the client's writing")
}
