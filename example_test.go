package parley_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/parleytest"
)

// An app in events: it receives the request, and sends head and body.
func ExampleApp() {
	hello := parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		if scope.Protocol != parley.HTTP {
			return &parley.UnsupportedProtocolError{Protocol: scope.Protocol}
		}
		start := parley.HTTPResponseStart{Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}}
		if err := conn.Send(ctx, start); err != nil {
			return err
		}
		return conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("hello from " + scope.RoutePath())})
	})

	got := parleytest.Do(t, hello, httptest.NewRequest("GET", "/world", nil))
	fmt.Println(got.Status, got.Body)
	// Output: 200 hello from /world
}

// A chat that says everything twice.
func ExampleWebSocketFunc() {
	twice := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		for {
			message, err := ws.Read(ctx)
			if err != nil {
				return err // the peer left: a clean end
			}
			if err := ws.Write(ctx, parley.Text(message.Text()+message.Text())); err != nil {
				return err
			}
		}
	})

	ws := parleytest.Dial(t, twice, httptest.NewRequest("GET", "/", nil))
	ws.Send(parley.Text("ha"))
	fmt.Println(ws.Receive().Text())
	ws.Close(parley.CloseGoingAway, "that was fun")
	fmt.Println(ws.Wait())
	// Output:
	// haha
	// parley: websocket closed with 1001 "that was fun"
}

// An app that is done with a message before it reads the next: it needs no bytes of its
// own at all.
func ExampleSocket_ReadLent() {
	count := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		for {
			message, err := ws.ReadLent(ctx)
			if err != nil {
				return err
			}
			words := len(bytes.Fields(message.Data)) // and no look at them later
			if err := ws.Write(ctx, parley.Text(fmt.Sprint(words, " words"))); err != nil {
				return err
			}
		}
	})

	ws := parleytest.Dial(t, count, httptest.NewRequest("GET", "/", nil))
	ws.Send(parley.Text("is there anybody?"))
	fmt.Println(ws.Receive().Text())
	ws.Vanish()
	fmt.Println(ws.Wait())
	// Output:
	// 3 words
	// parley: disconnected
}

// An app that is done with a message before it reads the next, and wants to keep its
// bytes for a while: it needs no new ones for each.
func ExampleSocket_ReadInto() {
	echo := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		buffer := make([]byte, 4096) // a longer message comes in bytes of its own
		for {
			message, err := ws.ReadInto(ctx, buffer)
			if err != nil {
				return err
			}
			answer := parley.WebSocketSend{Type: message.Type, Data: message.Data}
			if err := ws.Write(ctx, answer); err != nil {
				return err
			}
		}
	})

	ws := parleytest.Dial(t, echo, httptest.NewRequest("GET", "/", nil))
	ws.Send(parley.Text("is there anybody?"))
	fmt.Println(ws.Receive().Text())
	ws.Vanish()
	fmt.Println(ws.Wait())
	// Output:
	// is there anybody?
	// parley: disconnected
}

// Middleware that decides passes conn on untouched. Middleware that wraps it
// embeds Conn and overrides what it is after.
func ExampleMiddleware() {
	private := func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			if strings.HasPrefix(scope.RoutePath(), "/private") {
				return parley.ErrNotFound
			}
			return next.Serve(ctx, scope, conn)
		})
	}
	branded := func(next parley.App) parley.App {
		return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
			return next.Serve(ctx, scope, brand{conn})
		})
	}
	app := parley.Chain(parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return parley.Respond(ctx, conn, 200, nil, []byte("welcome"))
	}), private, branded)

	got := parleytest.Do(t, app, httptest.NewRequest("GET", "/", nil))
	fmt.Println(got.Status, got.Header["X-Served-By"], got.Body)
	got = parleytest.Do(t, app, httptest.NewRequest("GET", "/private/key", nil))
	fmt.Println(got.Status)
	// Output:
	// 200 [parley] welcome
	// 404
}

type brand struct{ parley.Conn }

func (b brand) Send(ctx context.Context, event parley.Event) error {
	if start, ok := event.(parley.HTTPResponseStart); ok {
		start.Header = start.Header.Clone()
		start.Header.Set("X-Served-By", "parley")
		event = start
	}
	return b.Conn.Send(ctx, event)
}

// An app that streams: what is read goes out again at once.
func ExampleNewBodyWriter() {
	shout := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		body, err := io.ReadAll(parley.BodyReader(ctx, conn))
		if err != nil {
			return err
		}
		w, err := parley.NewBodyWriter(ctx, conn, parley.HTTPResponseStart{Status: 200})
		if err != nil {
			return err
		}
		for _, word := range strings.Fields(string(body)) {
			fmt.Fprintf(w, "%s! ", strings.ToUpper(word))
		}
		return w.Close()
	})

	got := parleytest.Do(t, shout, httptest.NewRequest("POST", "/", strings.NewReader("can you hear me")))
	fmt.Println(got.Body)
	// Output: CAN! YOU! HEAR! ME!
}

// A body that is larger than the app wants it becomes 413 by itself.
func ExampleReadBody() {
	size := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		body, err := parley.ReadBody(ctx, conn, 8)
		if err != nil {
			return err
		}
		return parley.Respond(ctx, conn, 200, nil, fmt.Append(nil, len(body)))
	})

	got := parleytest.Do(t, size, httptest.NewRequest("POST", "/", strings.NewReader("short")))
	fmt.Println(got.Status, got.Body)
	got = parleytest.Do(t, size, httptest.NewRequest("POST", "/", strings.NewReader("rather long")))
	fmt.Println(got.Status)
	// Output:
	// 200 5
	// 413
}

// A router hands on a scope whose root has grown.
func ExampleScope_Under() {
	scope := &parley.Scope{Protocol: parley.HTTP, Request: httptest.NewRequest("GET", "/shop/cart/7", nil)}
	below := scope.Under("/shop")
	fmt.Println(below.RootPath, below.RoutePath())
	fmt.Println(scope.RootPath, scope.RoutePath())
	// Output:
	// /shop /cart/7
	//  /shop/cart/7
}

// Errors that end a socket know their close code.
func ExampleCodeOf() {
	fmt.Println(parley.CodeOf(nil))
	fmt.Println(parley.CodeOf(parley.ErrDraining))
	fmt.Println(parley.CodeOf(&parley.CloseError{Code: 4000}))
	fmt.Println(parley.CodeOf(errors.New("anything else")))
	// Output:
	// 1000
	// 1012
	// 4000
	// 1011
}

// An event out of order is refused, and the error tells why.
func ExampleProtocolError() {
	hasty := parley.AppFunc(func(ctx context.Context, _ *parley.Scope, conn parley.Conn) error {
		return conn.Send(ctx, parley.HTTPResponseBody{Body: []byte("no head")})
	})

	got := parleytest.Do(t, hasty, httptest.NewRequest("GET", "/", nil))
	fmt.Println(got.Status, errors.Is(got.Err, parley.ErrBodyBeforeStart))
	fmt.Println(got.Err)
	// Output:
	// 500 true
	// parley: http.response.body in state idle: body before start of response (rule A4.body-before-start)
}

// A message to many sockets is prepared once.
func ExamplePrepare() {
	news := parley.Prepare(parley.Text("breaking"))
	reader := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		return ws.Write(ctx, news.Send())
	})

	for range 2 {
		fmt.Println(parleytest.Dial(t, reader, httptest.NewRequest("GET", "/", nil)).Receive().Text())
	}
	// Output:
	// breaking
	// breaking
}
