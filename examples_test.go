package sharing_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryMethodHasAnExample fails for a function, a method of Engine, or one of the few other names that users begin with,
// that has no example whose output is checked.
func TestEveryMethodHasAnExample(t *testing.T) {
	needed := map[string]bool{"": true, "Refusal": true, "Trust": true, "Exposure_WriteDOT": true}
	var tests []*ast.File
	for name, file := range parsed(t) {
		if strings.HasSuffix(name, "_test.go") {
			tests = append(tests, file)
			continue
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			switch {
			case !ok || !f.Name.IsExported():
			case f.Recv == nil:
				needed[f.Name.Name] = true
			case receiver(f) == "Engine":
				needed["Engine_"+f.Name.Name] = true
			}
		}
	}
	if len(needed) < 40 {
		t.Fatalf("only %d names were found: is Engine declared elsewhere?", len(needed))
	}
	for _, example := range doc.Examples(tests...) {
		if example.Output != "" {
			delete(needed, example.Name)
		}
	}
	for name := range needed {
		t.Errorf("there is no Example%s whose output is checked", name)
	}
}

// TestEveryErrorHasAStatus fails for a kind of error that docs/HOWTO.md maps to no HTTP status.
func TestEveryErrorHasAStatus(t *testing.T) {
	howto, err := os.ReadFile(filepath.Join("docs", "HOWTO.md"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := 0
	ast.Inspect(parsed(t)["errors.go"], func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Err") {
			kinds++
			if name := spec.Names[0].Name; !strings.Contains(string(howto), "`"+name+"`") {
				t.Errorf("docs/HOWTO.md does not have %s", name)
			}
		}
		return true
	})
	if kinds < 20 {
		t.Fatalf("only %d kinds of error were found: are they declared elsewhere?", kinds)
	}
}

// parsed returns the files of this folder by name.
func parsed(t *testing.T) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]*ast.File)
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	return files
}

// receiver returns the name of the type that f is a method of, or nothing.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if name, ok := typ.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
