module github.com/parleygo/parley/internal/thirdparty

go 1.25.0

require (
	github.com/coder/websocket v1.8.15
	github.com/gorilla/websocket v1.5.3
	github.com/parleygo/parley v0.0.0
	github.com/rs/cors v1.11.1
)

require (
	github.com/go-chi/chi/v5 v5.5.0
	github.com/olahol/melody v1.4.0 // indirect
	github.com/panjf2000/ants/v2 v2.12.1 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/sync v0.19.0 // indirect
)

replace github.com/parleygo/parley => ../..
