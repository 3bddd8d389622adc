package sharing_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/imageshare/sharing"
	"github.com/imageshare/sharing/memstore"
)

// Bad input is ErrInvalid, no refusal, names the field, and stores nothing (R25, R22).
func TestR25_BadInput(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	inst := w.launch("owner", img)
	long := strings.Repeat("x", 129)
	labels := make(map[string]string)
	for i := range 65 {
		labels[strings.Repeat("k", i+1)] = ""
	}
	owners := make([]sharing.AccountID, 1001)
	for i := range owners {
		owners[i] = sharing.AccountID(fmt.Sprint(i))
	}
	register := func(spec sharing.ImageSpec) error {
		if spec.Region == "" {
			spec.Region = "r1"
		}
		_, err := w.Register(ctx, "owner", spec)
		return err
	}
	share := func(g ...sharing.Grantee) error { _, err := w.Share(ctx, "owner", img, g...); return err }
	until := func(at time.Time) error { _, err := w.ShareUntil(ctx, "owner", img, at, "b"); return err }
	launch := func(spec sharing.LaunchSpec) error { _, err := w.Launch(ctx, "owner", spec); return err }
	list := func(actor sharing.AccountID, q sharing.ImageQuery, p sharing.Page) error {
		_, _, err := w.ImagesPage(ctx, actor, q, p)
		return err
	}
	copyTo := func(to sharing.Region, spec sharing.ImageSpec) error {
		_, err := w.Copy(ctx, "owner", img, to, spec)
		return err
	}
	for name, c := range map[string]struct {
		err   error
		field string
	}{
		"empty actor":               {w.Delete(ctx, "", img), "account ID"},
		"long actor":                {w.Delete(ctx, sharing.AccountID(long), img), "account ID"},
		"colon in actor":            {w.Delete(ctx, "a:b", img), "account ID"},
		"star in actor":             {w.Delete(ctx, "a*b", img), "account ID"},
		"space in image":            {w.Delete(ctx, "owner", "a b"), "image ID"},
		"no-break space":            {w.Delete(ctx, "owner", "a\u00a0b"), "image ID"},
		"control in image":          {w.Delete(ctx, "owner", "a\x7f"), "image ID"},
		"C1 control in image":       {w.Delete(ctx, "owner", "a\u0085"), "image ID"},
		"broken UTF-8":              {w.Delete(ctx, "owner", "\xff"), "image ID"},
		"empty instance":            {w.Terminate(ctx, "owner", ""), "instance ID"},
		"no grantee":                {share(), "grantees"},
		"no grantee to unshare":     {w.Unshare(ctx, "owner", img), "grantees"},
		"owner as grantee":          {share("b", "owner"), "grantees"},
		"owner to unshare":          {w.Unshare(ctx, "owner", img, "owner"), "grantees"},
		"empty grantee":             {share(""), "grantee"},
		"empty organisation":        {share("org:"), "organization ID"},
		"unknown kind of grantee":   {share("team:x"), "grantee"},
		"organisation unknown":      {share(sharing.Organization("o")), "grantees"},
		"past expiry":               {until(w.now.Add(-1)), "expires"},
		"expiry now":                {until(w.now), "expires"},
		"expiry after 9999":         {until(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), "expires"},
		"empty region":              {func() error { _, err := w.Register(ctx, "owner", sharing.ImageSpec{}); return err }(), "region"},
		"negative size":             {register(sharing.ImageSpec{Size: -1}), "size"},
		"long name":                 {register(sharing.ImageSpec{Name: long}), "name"},
		"new line in name":          {register(sharing.ImageSpec{Name: "a\nb"}), "name"},
		"long description":          {register(sharing.ImageSpec{Description: strings.Repeat("x", 2049)}), "description"},
		"carriage return":           {register(sharing.ImageSpec{Description: "a\r\n"}), "description"},
		"long family":               {register(sharing.ImageSpec{Family: long}), "family"},
		"no digest":                 {register(sharing.ImageSpec{Digest: "md5:00"}), "digest"},
		"empty digest":              {register(sharing.ImageSpec{Digest: "sha256:"}), "digest"},
		"digest with a space":       {register(sharing.ImageSpec{Digest: "sha256:a b"}), "digest"},
		"long digest":               {register(sharing.ImageSpec{Digest: "sha256:" + strings.Repeat("a", 122)}), "digest"},
		"too many labels":           {register(sharing.ImageSpec{Labels: labels}), "labels"},
		"long label key":            {register(sharing.ImageSpec{Labels: map[string]string{long: ""}}), "label key"},
		"long label value":          {register(sharing.ImageSpec{Labels: map[string]string{"k": strings.Repeat("x", 257)}}), "label value"},
		"launch without region":     {launch(sharing.LaunchSpec{Image: img}), "region"},
		"launch expecting nonsense": {launch(sharing.LaunchSpec{Image: img, Region: "r1", ExpectDigest: "x\n"}), "expected digest"},
		"capture elsewhere": {func() error {
			_, err := w.Capture(ctx, "owner", inst, sharing.ImageSpec{Region: "r2"})
			return err
		}(), "region"},
		"copy to own region":     {copyTo("r1", sharing.ImageSpec{}), "region"},
		"copy to two regions":    {copyTo("r2", sharing.ImageSpec{Region: "r3"}), "region"},
		"copy with other digest": {copyTo("r2", sharing.ImageSpec{Digest: "sha256:" + strings.Repeat("0", 64)}), "digest"},
		"copy with other size":   {copyTo("r2", sharing.ImageSpec{Size: 7}), "size"},
		"its own replacement":    {w.Deprecate(ctx, "owner", img, sharing.Deprecation{Replacement: img}), "replacement"},
		"negative page limit":    {list("owner", sharing.ImageQuery{}, sharing.Page{Limit: -1}), "page limit"},
		"mangled cursor":         {list("owner", sharing.ImageQuery{}, sharing.Page{Cursor: "x"}), "page cursor"},
		"bad region in query":    {list("owner", sharing.ImageQuery{Region: "a b"}, sharing.Page{}), "region"},
		"unknown origin":         {list("owner", sharing.ImageQuery{Origin: 8}, sharing.Page{}), "origin"},
		"unknown status": {func() error {
			_, _, err := w.SharesGivenPage(ctx, "owner", sharing.ShareQuery{Statuses: []sharing.ShareStatus{9}}, sharing.Page{})
			return err
		}(), "status"},
		"latest without a family": {func() error {
			_, err := w.Latest(ctx, "owner", sharing.LatestQuery{Owner: "owner", Region: "r1"})
			return err
		}(), "family"},
		"bad region of a capture": {func() error {
			_, err := w.Capture(ctx, "owner", inst, sharing.ImageSpec{Region: "a b"})
			return err
		}(), "region"},
		"too many trusted owners": {w.SetTrust(ctx, "owner", sharing.Trust{Owners: owners}), "trusted owners"},
		"bad trusted owner":       {w.SetTrust(ctx, "owner", sharing.Trust{Owners: []sharing.AccountID{"a b"}}), "trusted owner"},
		"bad owner of a family": {func() error {
			_, err := w.Latest(ctx, "owner", sharing.LatestQuery{Family: "f", Region: "r1"})
			return err
		}(), "invalid: owner is empty"},
		"bad owner of images": {list("owner", sharing.ImageQuery{Owner: "a b"}, sharing.Page{}), "invalid: owner"},
		"bad owner of shares": {func() error {
			_, _, err := w.SharesReceivedPage(ctx, "owner", sharing.ShareQuery{Owner: "a b"}, sharing.Page{})
			return err
		}(), "invalid: owner"},
		"bad replacement":      {w.Deprecate(ctx, "owner", img, sharing.Deprecation{Replacement: "a b"}), "invalid: replacement"},
		"bad target of a copy": {copyTo("a b", sharing.ImageSpec{}), "invalid: target region"},
		"bad region of a copy": {copyTo("r2", sharing.ImageSpec{Region: "a b"}), "invalid: region"},
		"negative event limit": {first(w.Events(ctx, sharing.EventQuery{Limit: -1})), "limit"},
		"mangled event cursor": {first(w.Events(ctx, sharing.EventQuery{After: "x y"})), "cursor"},
	} {
		if !errors.Is(c.err, sharing.ErrInvalid) {
			t.Errorf("%s: got %v, want ErrInvalid", name, c.err)
			continue
		}
		var refusal *sharing.Refusal
		if errors.As(c.err, &refusal) {
			t.Errorf("%s: bad input is no refusal: %v", name, c.err)
		}
		if !strings.Contains(c.err.Error(), c.field) || strings.Contains(c.err.Error(), "\n") {
			t.Errorf("%s: got %q, want one line that names the %s", name, c.err, c.field)
		}
	}
	if n := len(w.log()); n != 2 {
		t.Errorf("the log has %d events, want the register and the launch only", n)
	}
}

// Every method judges its actor, whatever else it is given (R25).
func TestR25_BadActor(t *testing.T) {
	engine := reflect.ValueOf(newWorld(t).Engine)
	judged := 0
	for i := range engine.NumMethod() {
		name, method := engine.Type().Method(i).Name, engine.Method(i).Type()
		if method.NumIn() < 2 || method.In(1) != reflect.TypeFor[sharing.AccountID]() {
			continue
		}
		args := []reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(sharing.AccountID("a b"))}
		for j := 2; j < method.NumIn() && !(method.IsVariadic() && j == method.NumIn()-1); j++ {
			args = append(args, reflect.Zero(method.In(j)))
		}
		results := engine.Method(i).Call(args)
		result := results[len(results)-1]
		if result.Kind() == reflect.Func { // a listing
			for _, result = range result.Seq2() {
				break
			}
		}
		judged++
		if err, _ := result.Interface().(error); !errors.Is(err, sharing.ErrInvalid) || !strings.Contains(err.Error(), "account ID") {
			t.Errorf("%s: got %v, want ErrInvalid about the account ID", name, err)
		}
	}
	if judged < 40 {
		t.Errorf("only %d methods were judged", judged)
	}
}

func first[T any](seq func(func(T, error) bool)) (err error) {
	for _, err = range seq {
		break
	}
	return err
}

// A grantee that is no account is no actor either, also where an image is shared with it (R25, R27).
func TestR25_GroupAsActor(t *testing.T) {
	w := newWorld(t, sharing.WithDirectory(new(directory)))
	img := w.image("owner")
	w.share("owner", img, sharing.Everyone, sharing.Organization("o"))
	for _, g := range []sharing.Grantee{sharing.Everyone, sharing.Organization("o")} {
		actor := sharing.AccountID(g)
		_, err := w.Launch(t.Context(), actor, sharing.LaunchSpec{Image: img, Region: "r1"})
		want(t, err, sharing.ErrInvalid)
		want(t, w.CanUse(t.Context(), actor, img, "r1"), sharing.ErrInvalid)
	}
}

func TestIdentifiers_Unusual(t *testing.T) {
	for _, id := range []sharing.AccountID{"ä", "日本", "a/b", "a%b_c'\"\\", sharing.AccountID(strings.Repeat("x", 128)), "\u200b"} {
		if err := id.Validate(); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for g, ok := range map[sharing.Grantee]bool{"a": true, "org:o": false, "*": false, "": false, "x:y": false} {
		if _, got := g.Account(); got != ok {
			t.Errorf("Grantee(%q).Account() reports %v", g, got)
		}
	}
	for _, id := range []sharing.AccountID{"*", "org:o", ":", "a*", ""} {
		if g := sharing.Account(id); g.Validate() == nil || g == sharing.Everyone || g == sharing.Organization("o") {
			t.Errorf("Account(%q) is the valid grantee %q", id, g)
		}
	}
	for g, want := range map[sharing.Grantee]sharing.OrganizationID{sharing.Organization("o"): "o", "o": "", "*": "", "": "", "org:": "", "org:x:y": "", "org:*": ""} {
		if got, ok := g.Organization(); got != want || ok != (want != "") {
			t.Errorf("Grantee(%q).Organization() is %q, %v", g, got, ok)
		}
	}
}

// For an actor that does not see it, an image that exists and one that never did are the same (R20).
func TestR20_SameErrorSameMessage(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	img := w.image("owner")
	inst := w.launch("owner", img)
	gone := w.image("owner")
	want(t, w.Delete(ctx, "owner", gone), nil)
	calls := map[string]func(sharing.ImageID) error{
		"Image": func(id sharing.ImageID) error { _, err := w.Image(ctx, "x", id); return err },
		"Share": func(id sharing.ImageID) error { _, err := w.Share(ctx, "x", id, "y"); return err },
		"Launch": func(id sharing.ImageID) error {
			_, err := w.Launch(ctx, "x", sharing.LaunchSpec{Image: id, Region: "r1"})
			return err
		},
		"CanUse": func(id sharing.ImageID) error { return w.CanUse(ctx, "x", id, "r9") },
		"Copy":   func(id sharing.ImageID) error { _, err := w.Copy(ctx, "x", id, "r1", sharing.ImageSpec{}); return err },
		"Delete": func(id sharing.ImageID) error { return w.Delete(ctx, "x", id) },
		"Accept": func(id sharing.ImageID) error { return w.Accept(ctx, "x", id) },
		"Leave":  func(id sharing.ImageID) error { return w.Leave(ctx, "x", id) },
		"Shares": func(id sharing.ImageID) error { return first(w.Shares(ctx, "x", id)) },
		"Impact": func(id sharing.ImageID) error { _, err := w.UnshareImpact(ctx, "x", id, "y"); return err },
		"Exposure": func(id sharing.ImageID) error {
			_, err := w.Exposure(ctx, "x", id)
			return err
		},
	}
	for name, call := range calls {
		never := call("never")
		want(t, never, sharing.ErrImageNotFound)
		for _, id := range []sharing.ImageID{img, gone} {
			got := strings.ReplaceAll(call(id).Error(), string(id), "never")
			if got != never.Error() {
				t.Errorf("%s: %q for an image that exists, %q for one that never did", name, got, never)
			}
		}
	}
	never, others := w.Terminate(ctx, "x", "never"), w.Terminate(ctx, "x", inst)
	if strings.ReplaceAll(others.Error(), string(inst), "never") != never.Error() {
		t.Errorf("%q and %q differ", others, never)
	}
}

// What callers pass in and get back shares no memory with the store.
func TestNoAliasing(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	labels := map[string]string{"k": "v"}
	img, err := w.Register(ctx, "owner", sharing.ImageSpec{Region: "r1", Labels: labels})
	want(t, err, nil)
	inst, err := w.Launch(ctx, "owner", sharing.LaunchSpec{Image: img.ID, Region: "r1", Labels: labels})
	want(t, err, nil)
	owners := []sharing.AccountID{"z", "a"}
	want(t, w.SetTrust(ctx, "owner", sharing.Trust{Owners: owners}), nil)
	want(t, w.Deprecate(ctx, "owner", img.ID, sharing.Deprecation{Notice: "old"}), nil)
	grantees := []sharing.Grantee{"b", "a"}
	_, err = w.SetShares(ctx, "owner", img.ID, grantees...)
	want(t, err, nil)
	if !slices.Equal(grantees, []sharing.Grantee{"b", "a"}) || owners[0] != "z" {
		t.Error("an argument was reordered")
	}

	labels["k"], owners[0] = "changed", "changed"
	img.Labels["k"], inst.Labels["k"] = "changed", "changed"
	for range 2 {
		got, err := w.Image(ctx, "owner", img.ID)
		want(t, err, nil)
		if got.Labels["k"] != "v" || got.Deprecation.Notice != "old" {
			t.Fatalf("the stored image was changed from outside: %+v", got)
		}
		got.Labels["k"], got.Deprecation.Notice = "changed", "changed"
		inst, err := w.Instance(ctx, "owner", inst.ID)
		want(t, err, nil)
		if inst.Labels["k"] != "v" {
			t.Fatalf("the stored instance was changed from outside: %+v", inst)
		}
		inst.Labels["k"] = "changed"
		trust, err := w.Trust(ctx, "owner")
		want(t, err, nil)
		if !slices.Equal(trust.Owners, []sharing.AccountID{"a", "z"}) {
			t.Fatalf("the stored trust policy was changed from outside: %+v", trust)
		}
		trust.Owners[0] = "changed"
		for _, ev := range w.log() {
			if ev.ImageRecord != nil {
				if l := ev.ImageRecord.Labels["k"]; l != "v" {
					t.Fatalf("the log was changed from outside: %+v", ev.ImageRecord)
				}
				ev.ImageRecord.Labels["k"] = "changed"
			}
			if ev.Trust != nil {
				ev.Trust.Owners[0] = "changed"
			}
		}
	}
}

// A keeping store gives the same memory whenever it is asked for the same events, as the contract lets it.
type keeping struct {
	sharing.Store
	events []sharing.Event
}

func (s *keeping) View(ctx context.Context, fn func(sharing.ViewTx) error) error {
	return s.Store.View(ctx, func(tx sharing.ViewTx) error { return fn(keepingTx{tx, s}) })
}

type keepingTx struct {
	sharing.ViewTx
	store *keeping
}

func (tx keepingTx) Events(q sharing.EventQuery) (events []sharing.Event, err error) {
	if q.After == "" && tx.store.events != nil {
		return tx.store.events, nil
	}
	events, err = tx.ViewTx.Events(q)
	if q.After == "" {
		tx.store.events = events
	}
	return events, err
}

// Whoever reads the log can't change it (R22, R24).
func TestR24_EventsAreCopies(t *testing.T) {
	store := &keeping{Store: memstore.New()}
	e, err := sharing.New(store)
	want(t, err, nil)
	ctx := t.Context()
	img, err := e.Register(ctx, "owner", sharing.ImageSpec{Region: "r1", Labels: map[string]string{"k": "v"}})
	want(t, err, nil)
	inst, err := e.Launch(ctx, "owner", sharing.LaunchSpec{Image: img.ID, Region: "r1", Labels: map[string]string{"k": "v"}})
	want(t, err, nil)
	for range 2 {
		for ev, err := range e.Events(ctx, sharing.EventQuery{}) {
			want(t, err, nil)
			switch {
			case ev.ImageRecord != nil && ev.ImageRecord.Labels["k"] == "v":
				ev.ImageRecord.Labels["k"], ev.ImageRecord.Name = "changed", "changed"
			case ev.InstanceRecord != nil && ev.InstanceRecord.ID == inst.ID && ev.InstanceRecord.Labels["k"] == "v":
				ev.InstanceRecord.Labels["k"] = "changed"
			default:
				t.Errorf("the log has an event that its reader changed: %+v", ev)
			}
		}
	}
}
