module github.com/parleygo/parley/examples/blocking

go 1.25.0

require (
	github.com/mattn/go-sqlite3 v1.14.32
	github.com/parleygo/parley v0.0.0
)

require (
	github.com/panjf2000/ants/v2 v2.12.1 // indirect
	golang.org/x/sync v0.19.0 // indirect
)

replace github.com/parleygo/parley => ../..
