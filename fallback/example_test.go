package fallback_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/parleygo/parley"
	"github.com/parleygo/parley/fallback"
	"github.com/parleygo/parley/parleytest"
)

func ExampleNew() {
	greeter := parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
			return err
		}
		name, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		return ws.Write(ctx, parley.Text("hello, "+name.Text()))
	})
	app := fallback.New(greeter, fallback.Options{})

	t := new(testing.T) // in a test it is the test's own
	stream := httptest.NewRequest("GET", "/hello", nil)
	stream.Header.Set("Accept", "text/event-stream")
	stream.Header.Set("Parley-Secret", "new") // a browser has a cookie instead
	x := parleytest.Start(t, app, stream)
	opened, _ := x.Read()
	_, session, _ := strings.Cut(opened, `"session":"`)
	session, _, _ = strings.Cut(session, `"`)

	post := httptest.NewRequest("POST", "/hello", strings.NewReader("ann"))
	post.Header.Set("Parley-Session", session)
	post.Header.Set("Parley-Secret", x.Header().Get("Parley-Secret"))
	fmt.Println(parleytest.Do(t, app, post).Status)

	said := strings.TrimPrefix(x.Response().Body, opened)
	fmt.Print(strings.ReplaceAll(said, session, "session"))
	// Output:
	// 204
	// id: session.1
	// data: hello, ann
	//
	// id:
	// event: close
	// data: {"code":1000}
}
