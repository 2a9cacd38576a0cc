package thirdparty

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gorilla/websocket"

	"github.com/parleygo/parley"
	parleygin "github.com/parleygo/parley/adapters/gin"
	"github.com/parleygo/parley/adapters/nethttp"
	"github.com/parleygo/parley/router"
)

// speak greets with the room in the path, and says everything back. An empty message
// has it close.
var speak = parley.WebSocketFunc(func(ctx context.Context, ws *parley.Socket) error {
	if ws.Scope().PathValue("room") == "closed" {
		return ws.Deny(ctx, parley.WebSocketDeny{Status: http.StatusTeapot, Body: []byte("closed")})
	}
	if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
		return err
	}
	greeting := ws.Scope().PathValue("room") + " over " + ws.Scope().Request.Proto
	if err := ws.Write(ctx, parley.Text(greeting)); err != nil {
		return err
	}
	for {
		message, err := ws.Read(ctx)
		if err != nil {
			return err
		}
		if len(message.Data) == 0 {
			return ws.Close(ctx, 4000, "empty")
		}
		if err := ws.Write(ctx, parley.WebSocketSend{Type: message.Type, Data: message.Data}); err != nil {
			return err
		}
	}
})

// page is a handler that knows nothing of sockets.
func page(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a page") }

// silent is one that has nothing to say.
func silent(http.ResponseWriter, *http.Request) {}

// fronts have the same socket at /rooms/{room} and pages beside it.
var fronts = map[string]func() parley.App{
	"gin": func() parley.App {
		engine := gin.New()
		engine.Use(gin.Recovery())
		engine.GET("/rooms/:room", parleygin.Handler(speak))
		engine.GET("/page", gin.WrapF(page))
		engine.GET("/silent", gin.WrapF(silent))
		return parleygin.App(engine)
	},
	"gin that detaches": func() parley.App {
		engine := gin.New()
		engine.GET("/rooms/:room", parleygin.Handler(speak, nethttp.Options{Mode: nethttp.Detach}))
		engine.GET("/page", gin.WrapF(page))
		engine.GET("/silent", gin.WrapF(silent))
		return parleygin.App(engine)
	},
	"chi": func() parley.App {
		routes, rooms := chi.NewRouter(), nethttp.Handler(speak)
		routes.Get("/rooms/{room}", func(w http.ResponseWriter, r *http.Request) {
			r.SetPathValue("room", chi.URLParam(r, "room"))
			rooms.ServeHTTP(w, r)
		})
		routes.Get("/page", page)
		routes.Get("/silent", silent)
		return nethttp.App(routes)
	},
	"mux": func() parley.App { return nethttp.App(muxOfRooms()) },
	"mux below a router": func() parley.App {
		routes := new(router.URLs)
		routes.Handle("/", nethttp.App(muxOfRooms()))
		return routes
	},
	"mux over events": func() parley.App { return wrapped(nethttp.App(muxOfRooms())) },
	"router": func() parley.App {
		routes := new(router.URLs)
		routes.Handle("/rooms/{room}", speak)
		routes.Handle("GET /page", nethttp.App(http.HandlerFunc(page)))
		routes.Handle("/silent", nethttp.App(http.HandlerFunc(silent)))
		return routes
	},
}

func muxOfRooms() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /rooms/{room}", nethttp.Handler(speak))
	mux.HandleFunc("GET /page", page)
	mux.HandleFunc("GET /silent", silent)
	return mux
}

// wrapped has app see a conn that is not the server's.
func wrapped(app parley.App) parley.App {
	return parley.AppFunc(func(ctx context.Context, scope *parley.Scope, conn parley.Conn) error {
		return app.Serve(ctx, scope, struct{ parley.Conn }{conn})
	})
}

// TestRoutersOverHTTP2: routes for GET are where sockets are found over HTTP/2, too, and
// nobody else's answer opens one.
func TestRoutersOverHTTP2(t *testing.T) {
	if !extended(t) {
		return
	}
	gin.SetMode(gin.ReleaseMode)
	for name, front := range fronts {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { checkFront(t, front()) })
		})
	}
}

func checkFront(t *testing.T, front parley.App) {
	s, client := serveMemory(t, front, nethttp.Options{})
	conn, _, err := client.dial("/rooms/blue")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, greeting, err := conn.ReadMessage()
	if got := string(greeting); !strings.HasPrefix(got, "blue over HTTP/") || err != nil {
		t.Errorf("greeted with %q, %v", got, err)
	}
	conn.WriteMessage(websocket.BinaryMessage, []byte("hello"))
	if kind, data, err := conn.ReadMessage(); kind != websocket.BinaryMessage || string(data) != "hello" {
		t.Errorf("said back %d %q, %v", kind, data, err)
	}
	conn.WriteMessage(websocket.TextMessage, nil)
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, 4000) {
		t.Errorf("ended with %v", err)
	}
	for path, want := range map[string]int{
		"/rooms/closed": http.StatusTeapot, "/page": http.StatusMethodNotAllowed,
		"/silent": http.StatusMethodNotAllowed, "/nowhere": http.StatusNotFound,
	} {
		answer, err := client.connect(path, http.NoBody)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: answered with %d, want %d", path, answer.StatusCode, want)
		}
	}
	conn.Close()
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}
