package parley_test

import (
	"strings"
	"testing"

	"github.com/parleygo/parley"
)

// What a file is called has no folders of any platform, and is none.
func TestNamesOfFiles(t *testing.T) {
	for header, want := range map[string]string{
		`filename="a.txt"`:                      "a.txt",
		`filename="../../etc/passwd"`:           "passwd",
		`filename="C:\Users\ada\a.txt"`:         "a.txt",
		`filename="C:\\Users\\ada\\a.txt"`:      "a.txt",
		`filename="..\..\a/b\c.txt"`:            "c.txt",
		`filename="dir/"`:                       "dir",
		`filename=".."`:                         "",
		`filename="."`:                          "",
		`filename="/"`:                          "",
		`filename="\\"`:                         "",
		`filename="a\\.."`:                      "",
		`filename="..."`:                        "...",
		`filename*=UTF-8''..%2F..%2Fa.txt`:      "a.txt",
		`filename*=UTF-8''..%5C..%5Ca.txt`:      "a.txt",
		`filename="x"; filename*=UTF-8''%2e%2e`: "",
		`filename*=UTF-8''na%C3%AFve.txt`:       "naïve.txt",
	} {
		body := partOf(fieldA+"; "+header, "data") + theEnd
		if got := postForm(t, readsForm(parley.FormOptions{}), parts, body); got.Status != 200 ||
			strings.TrimPrefix(got.Body, "map[] ") != want+"  data" {
			t.Errorf("%s: %d %q, want %q", header, got.Status, got.Body, want)
		}
		var name string
		options := parley.FormOptions{OnFile: func(_ string, file parley.FormUpload) error {
			name = file.Name
			return nil
		}}
		if postForm(t, readsForm(options), parts, body); name != want {
			t.Errorf("%s: uploads %q, want %q", header, name, want)
		}
	}
}
