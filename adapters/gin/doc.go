// Package parleygin joins gin and parley. A gin engine becomes an app, an app
// becomes a gin handler for a route, a group or NoRoute, and gin middleware goes
// in front of any app, WebSocket handshakes included.
//
//	package main
//
//	import (
//		"github.com/gin-gonic/gin"
//		parleygin "github.com/parleygo/parley/adapters/gin"
//	)
//
//	func main() {
//		r := gin.Default()
//		r.GET("/users/:id", showUser)                 // as ever
//		r.GET("/chat/:room", parleygin.Handler(chat)) // a WebSocket app
//		r.Run("127.0.0.1:8080")
//	}
//
// What gin's handlers have found out goes with the conversation: route params
// are the scope's path values, the gin context's keys are found with Value or
// Keys, the matched route with FullPath and the client's address, by the
// engine's rules, with ClientIP. All are copies: gin reuses its contexts, and a
// WebSocket may outlive the handler.
package parleygin
