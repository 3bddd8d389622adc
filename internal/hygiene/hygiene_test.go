// Package hygiene checks the form of the repository: documentation, links, file sizes.
package hygiene

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// files calls f with each file of the repository of which the name ends so, modules beside the root's included.
func files(t *testing.T, ending string, f func(path string, text []byte)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ending) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err == nil {
			f(path, text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreShort(t *testing.T) {
	const most = 400
	files(t, ".go", func(path string, text []byte) {
		if n := bytes.Count(text, []byte("\n")); n > most {
			t.Errorf("%s has %d lines: a file that needs a table of contents is two files", path, n)
		}
	})
}

var link = regexp.MustCompile(`\]\(([^)#]*)(#[^)]*)?\)`)

func TestLinksLeadSomewhere(t *testing.T) {
	files(t, ".md", func(path string, text []byte) {
		for _, found := range link.FindAllSubmatch(text, -1) {
			to := string(found[1])
			if strings.Contains(to, "://") {
				continue
			}
			target := path // for a link within the file
			if to != "" {
				target = filepath.Join(filepath.Dir(path), to)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", path, to)
			} else if place := string(found[2]); place != "" && !hasHeading(t, target, place) {
				t.Errorf("%s links to %s in %s, which has no such heading", path, place, to)
			}
		}
	})
}

var heading = regexp.MustCompile(`(?m)^#+ (.*)$`)

// hasHeading reports whether a file has a heading that is linked to by place, as GitHub names it.
func hasHeading(t *testing.T, path, place string) bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range heading.FindAllSubmatch(text, -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, string(found[1]))
		if place == "#"+name {
			return true
		}
	}
	return false
}

// Every exported name has a doc comment. A name in a group may have the group's.
func TestExportedNamesAreDocumented(t *testing.T) {
	files(t, ".go", func(path string, text []byte) {
		if strings.HasSuffix(path, "_test.go") || strings.Contains(path, "internal"+string(filepath.Separator)) {
			return
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			t.Error(err)
			return
		}
		if file.Name.Name == "main" {
			return
		}
		complain := func(name *ast.Ident) {
			t.Errorf("%s: %s has no doc comment", fset.Position(name.Pos()), name.Name)
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					complain(d.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					switch s := spec.(type) {
					case *ast.TypeSpec:
						if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
							complain(s.Name)
						}
					case *ast.ValueSpec:
						if s.Names[0].IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
							complain(s.Names[0])
						}
					}
				}
			}
		}
	})
}

// exportedReceiver reports whether a function is seen from outside: methods of hidden types are not.
func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	expr := d.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.Ident:
			return e.IsExported()
		default:
			return false
		}
	}
}

// Errors and comments name rules by number: a number that docs/RULES.md does not have is a slip.
func TestRulesExist(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join("..", "..", "docs", "RULES.md"))
	if err != nil {
		t.Fatal(err)
	}
	number := regexp.MustCompile(`\bR[0-9]+\b`)
	files(t, ".go", func(path string, text []byte) {
		for _, rule := range number.FindAllString(string(text), -1) {
			if !strings.Contains(string(rules), "**"+rule+"**") {
				t.Errorf("%s names %s, which docs/RULES.md does not have", path, rule)
			}
		}
	})
}
