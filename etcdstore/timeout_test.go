package etcdstore

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"google.golang.org/grpc"

	"github.com/imageshare/sharing"
)

// A silentKV answers no request.
type silentKV struct{ etcdserverpb.KVClient }

func (silentKV) Txn(
	ctx context.Context, _ *etcdserverpb.TxnRequest, _ ...grpc.CallOption,
) (*etcdserverpb.TxnResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestTimeouts_AreNotTheCallers asks an etcd that does not answer. The store gives up in the end, and its error is not
// taken for the end of the caller's context, which has not ended.
func TestTimeouts_AreNotTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Store{kv: silentKV{}, life: t.Context(), prefix: newPrefix()}
		commit := new(update)
		commit.snapshot = snapshot{Store: s, ctx: t.Context(), writes: true, revision: 1}
		commit.keys = map[string][]*mvccpb.KeyValue{s.key(tableEpoch): {{Version: 1, ModRevision: 1}}}
		fence := &view{snapshot: snapshot{Store: s, ctx: t.Context()}}
		for name, err := range map[string]error{
			"a read": s.View(t.Context(), func(tx sharing.ViewTx) error {
				_, err := tx.Load(sharing.Need{Account: "a", Trust: true})
				return err
			}),
			"a commit": commit.commit(),
			"a fence":  fence.fence("operation"),
		} {
			if err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s that etcd does not answer ends with %v", name, err)
			}
		}
	})
}
