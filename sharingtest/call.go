package sharingtest

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/imageshare/sharing"
)

// A call is one call of a [System] as a value, so that it can be drawn, printed, repeated, and made of
// a system and of the model alike. Op is the method; of the other fields it uses those that it needs.
type call struct {
	form        string // that is called, for whoever reads the failure: Once("t1").
	Op          string
	Actor       sharing.AccountID
	Image       sharing.ImageID
	Instance    sharing.InstanceID
	Region      sharing.Region
	Grantees    []sharing.Grantee
	Expires     time.Time
	Spec        sharing.ImageSpec
	Update      sharing.ImageUpdate
	Deprecation sharing.Deprecation
	Trust       sharing.Trust
	Labels      map[string]string
	Digest      string
	Images      sharing.ImageQuery
	Shares      sharing.ShareQuery
	Instances   sharing.InstanceQuery
	Latest      sharing.LatestQuery
}

// of makes the call of s, and returns what it answered.
func (c call) of(ctx context.Context, s System) (any, error) {
	if change, ok := changes[c.Op]; ok {
		return change(ctx, s, c)
	}
	return reads[c.Op](ctx, s, c)
}

type method = func(ctx context.Context, s System, c call) (any, error)

// changes and reads are the methods of a System. A read changes nothing.
var changes = map[string]method{
	"Register": func(ctx context.Context, s System, c call) (any, error) { return s.Register(ctx, c.Actor, c.Spec) },
	"Capture": func(ctx context.Context, s System, c call) (any, error) {
		return s.Capture(ctx, c.Actor, c.Instance, c.Spec)
	},
	"Copy": func(ctx context.Context, s System, c call) (any, error) {
		return s.Copy(ctx, c.Actor, c.Image, c.Region, c.Spec)
	},
	"Update": func(ctx context.Context, s System, c call) (any, error) {
		return s.Update(ctx, c.Actor, c.Image, c.Update)
	},
	"Delete": onImage(System.Delete), "ForceDelete": onImage(System.ForceDelete),
	"Disable": onImage(System.Disable), "Enable": onImage(System.Enable),
	"Protect": onImage(System.Protect), "Unprotect": onImage(System.Unprotect),
	"Seal": onImage(System.Seal), "Unseal": onImage(System.Unseal),
	"Accept": onImage(System.Accept), "Reject": onImage(System.Reject), "Leave": onImage(System.Leave),
	"Share": func(ctx context.Context, s System, c call) (any, error) {
		return s.Share(ctx, c.Actor, c.Image, c.Grantees...)
	},
	"ShareUntil": func(ctx context.Context, s System, c call) (any, error) {
		return s.ShareUntil(ctx, c.Actor, c.Image, c.Expires, c.Grantees...)
	},
	"SetShares": func(ctx context.Context, s System, c call) (any, error) {
		return s.SetShares(ctx, c.Actor, c.Image, c.Grantees...)
	},
	"Unshare": func(ctx context.Context, s System, c call) (any, error) {
		return nil, s.Unshare(ctx, c.Actor, c.Image, c.Grantees...)
	},
	"Deprecate": func(ctx context.Context, s System, c call) (any, error) {
		return nil, s.Deprecate(ctx, c.Actor, c.Image, c.Deprecation)
	},
	"SetTrust": func(ctx context.Context, s System, c call) (any, error) {
		return nil, s.SetTrust(ctx, c.Actor, c.Trust)
	},
	"Launch": func(ctx context.Context, s System, c call) (any, error) {
		return s.Launch(ctx, c.Actor, sharing.LaunchSpec{Image: c.Image, Region: c.Region, ExpectDigest: c.Digest, Labels: c.Labels})
	},
	"ReplaceDisk": func(ctx context.Context, s System, c call) (any, error) {
		return s.ReplaceDisk(ctx, c.Actor, c.Instance, sharing.DiskSpec{Image: c.Image, ExpectDigest: c.Digest})
	},
	"Reinit": func(ctx context.Context, s System, c call) (any, error) { return s.Reinit(ctx, c.Actor, c.Instance) },
	"Terminate": func(ctx context.Context, s System, c call) (any, error) {
		return nil, s.Terminate(ctx, c.Actor, c.Instance)
	},
}

var reads = map[string]method{
	"Image":    func(ctx context.Context, s System, c call) (any, error) { return s.Image(ctx, c.Actor, c.Image) },
	"Instance": func(ctx context.Context, s System, c call) (any, error) { return s.Instance(ctx, c.Actor, c.Instance) },
	"CanUse": func(ctx context.Context, s System, c call) (any, error) {
		return nil, s.CanUse(ctx, c.Actor, c.Image, c.Region)
	},
	"Latest": func(ctx context.Context, s System, c call) (any, error) { return s.Latest(ctx, c.Actor, c.Latest) },
	"Trust":  func(ctx context.Context, s System, c call) (any, error) { return s.Trust(ctx, c.Actor) },
	"Images": func(ctx context.Context, s System, c call) (any, error) { return all(s.Images(ctx, c.Actor, c.Images)) },
	"Shares": func(ctx context.Context, s System, c call) (any, error) { return all(s.Shares(ctx, c.Actor, c.Image)) },
	"Instances": func(ctx context.Context, s System, c call) (any, error) {
		return all(s.Instances(ctx, c.Actor, c.Instances))
	},
	"SharesReceived": func(ctx context.Context, s System, c call) (any, error) {
		return all(s.SharesReceived(ctx, c.Actor, c.Shares))
	},
	"SharesGiven": func(ctx context.Context, s System, c call) (any, error) {
		return all(s.SharesGiven(ctx, c.Actor, c.Shares))
	},
	"UnshareImpact": func(ctx context.Context, s System, c call) (any, error) {
		return s.UnshareImpact(ctx, c.Actor, c.Image, c.Grantees...)
	},
	"DeleteImpact": func(ctx context.Context, s System, c call) (any, error) {
		return s.DeleteImpact(ctx, c.Actor, c.Image)
	},
	"Exposure": func(ctx context.Context, s System, c call) (any, error) { return s.Exposure(ctx, c.Actor, c.Image) },
}

// onImage makes a method of one that is given an image and nothing more.
func onImage(do func(System, context.Context, sharing.AccountID, sharing.ImageID) error) method {
	return func(ctx context.Context, s System, c call) (any, error) { return nil, do(s, ctx, c.Actor, c.Image) }
}

// all returns the items of a listing, up to its error.
func all[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var items []T
	for item, err := range seq {
		if err != nil {
			return items, err
		}
		items = append(items, item)
	}
	return items, nil
}

// in returns the call in a form of the system.
func (c call) in(form string) call {
	c.form = form
	return c
}

// String prints the call with the arguments that are not empty: Share(Actor:"a" Image:"i1" Grantees:["b"]).
func (c call) String() string {
	op := c.form + c.Op
	c.form, c.Op = "", ""
	return op + "(" + printed(reflect.ValueOf(c)) + ")"
}

// printed prints a value, without those fields of structs that are empty.
func printed(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		return "&" + printed(v.Elem())
	case reflect.String, reflect.Map:
		return fmt.Sprintf("%q", v.Interface())
	case reflect.Slice:
		var items []string
		for i := range v.Len() {
			items = append(items, printed(v.Index(i)))
		}
		return "[" + strings.Join(items, " ") + "]"
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			return t.String()
		}
		var fields []string
		for i := range v.NumField() {
			if field := v.Field(i); !field.IsZero() {
				text := printed(field)
				if _, isTime := field.Interface().(time.Time); field.Kind() == reflect.Struct && !isTime {
					text = "{" + text + "}"
				}
				fields = append(fields, v.Type().Field(i).Name+":"+text)
			}
		}
		return strings.Join(fields, " ")
	}
	return fmt.Sprint(v.Interface())
}

// clone returns a copy that shares no memory with c.
func (c call) clone() call {
	c.Grantees, c.Trust.Owners = slices.Clone(c.Grantees), slices.Clone(c.Trust.Owners)
	c.Labels, c.Spec.Labels, c.Update.Labels = maps.Clone(c.Labels), maps.Clone(c.Spec.Labels), maps.Clone(c.Update.Labels)
	for _, text := range []**string{&c.Update.Name, &c.Update.Description, &c.Update.Family} {
		if *text != nil {
			copied := **text
			*text = &copied
		}
	}
	return c
}

// scramble overwrites the memory that a caller gave or got, which a system must not share with it.
func scramble(what any) {
	switch what := what.(type) {
	case call:
		scrambleLabels(what.Labels, what.Spec.Labels, what.Update.Labels)
		clear(what.Grantees)
		clear(what.Trust.Owners)
		for _, text := range []*string{what.Update.Name, what.Update.Description, what.Update.Family} {
			if text != nil {
				*text = "scrambled"
			}
		}
	case sharing.Image:
		scrambleLabels(what.Labels)
		if what.Deprecation != nil {
			what.Deprecation.Notice = "scrambled"
		}
	case sharing.Instance:
		scrambleLabels(what.Labels)
	}
}

func scrambleLabels(of ...map[string]string) {
	for _, labels := range of {
		if labels != nil {
			labels["scrambled"] = "scrambled"
		}
	}
}

// request prints the call so that two that are the same request (R23) print alike: grantees are a set.
func (c call) request() string {
	c.Grantees = slices.Compact(slices.Sorted(slices.Values(c.Grantees)))
	if len(c.Labels) == 0 {
		c.Labels = nil
	}
	return c.in("").String()
}
