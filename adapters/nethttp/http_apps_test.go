package nethttp_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/adapters/internal/adaptertest"
	"github.com/parleygo/parley/adapters/nethttp"
)

// httpApp makes an app of what it does with its conn.
func httpApp(do func(ctx context.Context, conn parley.Conn) error) parley.App {
	return parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return do(ctx, conn)
	})
}

// gateway is a silent Handler.
func gateway(app parley.App, list ...nethttp.Options) *nethttp.Gateway {
	options := append(list, nethttp.Options{})[0]
	options.Logger = silent
	return nethttp.Handler(app, options)
}

var silent = slog.New(slog.DiscardHandler)

// unhurried has a peer's goodbye wait for an app that is still at what came before it,
// also where the machine stalls for seconds.
var unhurried = parley.SocketOptions{CloseTimeout: adaptertest.Patience}

func respond(ctx context.Context, conn parley.Conn, body string) error {
	return parley.Respond(ctx, conn, http.StatusOK, nil, []byte(body))
}

// readThenAnswer reads the body to its end and answers with it.
var readThenAnswer = httpApp(func(ctx context.Context, conn parley.Conn) error {
	body, err := io.ReadAll(parley.BodyReader(ctx, conn))
	if err != nil {
		return err
	}
	return respond(ctx, conn, string(body))
})

// answerOnly never looks at the body.
var answerOnly = httpApp(func(ctx context.Context, conn parley.Conn) error {
	return respond(ctx, conn, "answer")
})

// streamed answers in two parts.
var streamed = httpApp(func(ctx context.Context, conn parley.Conn) error {
	return sendAll(ctx, conn, parley.HTTPResponseStart{Status: 200},
		parley.HTTPResponseBody{Body: []byte("one "),
			More: true}, parley.HTTPResponseBody{Body: []byte("two")})
})

// bodiless answers with a status that carries no body, and a body.
func bodiless(status int) parley.App {
	return httpApp(func(ctx context.Context, conn parley.Conn) error {
		return sendAll(ctx, conn, parley.HTTPResponseStart{Status: status},
			parley.HTTPResponseBody{Body: []byte("dropped")})
	})
}

func sendAll(ctx context.Context, conn parley.Conn, events ...parley.Event) error {
	for _, event := range events {
		if err := conn.Send(ctx, event); err != nil {
			return err
		}
	}
	return nil
}
