// The health check of compose.yaml: makes the replica set of one, and passes once that takes writes.
const admin = db.getSiblingDB("admin");
admin.auth("root", process.env.MONGO_INITDB_ROOT_PASSWORD);
if (!admin.hello().setName) {
  rs.initiate({ _id: "rs0", members: [{ _id: 0, host: "mongodb:27017" }] });
}
quit(admin.hello().isWritablePrimary ? 0 : 1);
