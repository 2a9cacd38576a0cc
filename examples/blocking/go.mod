module github.com/parleygo/parley/examples/blocking

go 1.25.0

require (
	github.com/mattn/go-sqlite3 v1.14.32
	github.com/parleygo/parley v0.0.0
)

require (
	github.com/coreos/go-systemd/v22 v22.3.1 // indirect
	github.com/gorilla/websocket v1.5.3 // indirect
	github.com/olahol/melody v1.4.0 // indirect
	github.com/panjf2000/ants/v2 v2.12.1 // indirect
	golang.org/x/net v0.10.0 // indirect
	golang.org/x/sync v0.19.0 // indirect
	golang.org/x/sys v0.8.0 // indirect
	golang.org/x/text v0.9.0 // indirect
)

replace github.com/parleygo/parley => ../..
