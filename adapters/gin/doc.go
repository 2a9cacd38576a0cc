// Package parleygin joins gin and parley. A gin engine becomes an app, an app
// becomes a gin handler for a route, a group or NoRoute, and gin middleware goes
// in front of any app, WebSocket handshakes included.
//
//	package main
//
//	import (
//		"context"
//
//		"github.com/gin-gonic/gin"
//		"github.com/parleygo/parley"
//		parleygin "github.com/parleygo/parley/adapters/gin"
//	)
//
//	func main() {
//		r := gin.Default()
//		r.GET("/ping", func(c *gin.Context) { c.String(200, "pong") }) // as ever
//		r.GET("/hello/:name", parleygin.Handler(parley.WebSocketFunc(hello)))
//		r.Run("127.0.0.1:8080")
//	}
//
//	func hello(ctx context.Context, ws *parley.Socket) error {
//		if err := ws.Accept(ctx, parley.WebSocketAccept{}); err != nil {
//			return err
//		}
//		return ws.Write(ctx, parley.Text("hello "+ws.Scope().PathValue("name")))
//	}
//
// What gin's handlers have found out goes with the conversation: route params
// are the scope's path values, the gin context's keys are found with Value or
// Keys, the matched route with FullPath and the client's address, by the
// engine's rules, with ClientIP. All are copies: gin reuses its contexts, and a
// WebSocket may outlive the handler.
package parleygin
