//go:build cgo

package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"time"

	"github.com/mattn/go-sqlite3"
)

// openBackend opens an in-memory SQLite database with a function that sleeps, as a query over much
// data would work.
func openBackend() (backend, error) {
	register := func(conn *sqlite3.SQLiteConn) error {
		return conn.RegisterFunc("busy", busy, false)
	}
	db := sql.OpenDB(connector{&sqlite3.SQLiteDriver{ConnectHook: register}})
	query := func(ctx context.Context, d time.Duration) (answer string, err error) {
		row := db.QueryRowContext(ctx, "select 'waited ' || busy(?) || ' ms'", d.Milliseconds())
		err = row.Scan(&answer)
		return answer, err
	}
	version, _, _ := sqlite3.Version()
	return backend{name: "SQLite " + version, query: query, close: db.Close}, nil
}

type connector struct{ sqlite *sqlite3.SQLiteDriver }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	return c.sqlite.Open(":memory:")
}

func (c connector) Driver() driver.Driver { return c.sqlite }

// busy holds its thread for so many milliseconds: SQLite called it, and its frames are on the C
// stack.
func busy(milliseconds int64) int64 {
	time.Sleep(time.Duration(milliseconds) * time.Millisecond)
	return milliseconds
}
