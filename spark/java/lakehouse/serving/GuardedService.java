package lakehouse.serving;

import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.hive.service.cli.CLIService;
import org.apache.hive.service.cli.HiveSQLException;
import org.apache.hive.service.cli.OperationHandle;
import org.apache.hive.service.cli.SessionHandle;
import org.apache.hive.service.cli.operation.Operation;
import org.apache.hive.service.cli.thrift.ThriftBinaryCLIService;
import org.apache.hive.service.rpc.thrift.*;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.hive.thriftserver.server.SparkSQLOperationManager;
import org.apache.thrift.TException;
import org.apache.thrift.server.ServerContext;

/**
 * The calls of the Thrift protocol. A session and its operations belong to the connection that opened them, and a
 * session has the role of the name that logged in on its connection.
 */
public final class GuardedService extends ThriftBinaryCLIService {
  private static final String ENDED = "This login has ended: the user was removed, or has another role.";
  private static final short ROWS = 0; // a fetch of a result, and not of a log

  private final Map<ServerContext, Set<SessionHandle>> sessions = Collections.synchronizedMap(new WeakHashMap<>());
  private final Map<ServerContext, Login> logins = Collections.synchronizedMap(new WeakHashMap<>());
  private final EndedLogins ended = new EndedLogins(this::closeEnded);

  public GuardedService(CLIService service) {
    super(service);
  }

  @Override
  protected void initializeServer() {
    super.initializeServer();
    try {
      ClientAddress.watch(server);
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException("This version of Thrift has no field for its transports.", error);
    }
  }

  @Override
  public TOpenSessionResp OpenSession(TOpenSessionReq request) throws TException {
    Login login = Logins.current();
    Role role = Logins.role();
    TOpenSessionResp response = new TOpenSessionResp();
    try {
      if (login == null) {
        throw new RefusedStatement("A session without a login is refused.");
      }
      logins.put(currentServerContext.get(), login);
      if (!Logins.stands(login)) {
        throw new RefusedStatement(ENDED);
      }
      request.setConfiguration(SessionConfiguration.admitted(request.getConfiguration(), role));
      SessionRoles.opening(role);
      response = super.OpenSession(request);
    } catch (RefusedStatement refused) {
      response.setStatus(status(refused.getMessage()));
    } finally {
      SessionRoles.opening(null);
    }
    if (response.isSetSessionHandle()) {
      SessionHandle handle = new SessionHandle(response.getSessionHandle());
      SessionRoles.opened(sparkSession(handle), role);
      own().add(handle);
      return noted(handle, response);
    }
    NotedSessions.refused(Caller.current(null), response.getStatus().getErrorMessage());
    return response;
  }

  @Override
  public TCloseSessionResp CloseSession(TCloseSessionReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    if (foreign != null) {
      return new TCloseSessionResp(foreign);
    }
    String session = idOf(new SessionHandle(request.getSessionHandle()));
    NotedSessions.closing(session);
    TCloseSessionResp response = super.CloseSession(request);
    NotedSessions.ended(session);
    return response;
  }

  @Override
  public TGetInfoResp GetInfo(TGetInfoReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    return foreign == null ? super.GetInfo(request) : new TGetInfoResp(foreign, TGetInfoValue.stringValue(""));
  }

  @Override
  public TExecuteStatementResp ExecuteStatement(TExecuteStatementReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    request.unsetConfOverlay();
    SessionHandle handle = new SessionHandle(request.getSessionHandle());
    NotedStatement noted;
    try {
      Caller caller = Caller.current(foreign == null ? idOf(handle) : null);
      noted = NotedStatements.asked(caller, foreign == null ? sparkSession(handle) : null, request.getStatement());
    } catch (RefusedStatement unwritten) {
      return new TExecuteStatementResp(status(unwritten.getMessage()));
    }
    TExecuteStatementResp response =
        foreign == null ? super.ExecuteStatement(request) : new TExecuteStatementResp(foreign);
    NotedStatements.answered(noted, response.getStatus(), operation(response.getOperationHandle()));
    return response;
  }

  @Override
  public TGetTypeInfoResp GetTypeInfo(TGetTypeInfoReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    return foreign == null ? super.GetTypeInfo(request) : new TGetTypeInfoResp(foreign);
  }

  @Override
  public TGetCatalogsResp GetCatalogs(TGetCatalogsReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    return foreign == null ? super.GetCatalogs(request) : new TGetCatalogsResp(foreign);
  }

  @Override
  public TGetSchemasResp GetSchemas(TGetSchemasReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    request.setSchemaName(VisibleDatabases.pattern(request.getSchemaName(), Logins.role()));
    return foreign == null ? super.GetSchemas(request) : new TGetSchemasResp(foreign);
  }

  @Override
  public TGetTablesResp GetTables(TGetTablesReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    request.setSchemaName(VisibleDatabases.pattern(request.getSchemaName(), Logins.role()));
    return foreign == null ? super.GetTables(request) : new TGetTablesResp(foreign);
  }

  @Override
  public TGetTableTypesResp GetTableTypes(TGetTableTypesReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    return foreign == null ? super.GetTableTypes(request) : new TGetTableTypesResp(foreign);
  }

  @Override
  public TGetColumnsResp GetColumns(TGetColumnsReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    request.setSchemaName(VisibleDatabases.pattern(request.getSchemaName(), Logins.role()));
    return foreign == null ? super.GetColumns(request) : new TGetColumnsResp(foreign);
  }

  @Override
  public TGetFunctionsResp GetFunctions(TGetFunctionsReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    request.setSchemaName(VisibleDatabases.pattern(request.getSchemaName(), Logins.role()));
    return foreign == null ? super.GetFunctions(request) : new TGetFunctionsResp(foreign);
  }

  @Override
  public TGetPrimaryKeysResp GetPrimaryKeys(TGetPrimaryKeysReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    return foreign == null ? super.GetPrimaryKeys(request) : new TGetPrimaryKeysResp(foreign);
  }

  @Override
  public TGetCrossReferenceResp GetCrossReference(TGetCrossReferenceReq request) throws TException {
    TStatus foreign = foreign(request.getSessionHandle());
    return foreign == null ? super.GetCrossReference(request) : new TGetCrossReferenceResp(foreign);
  }

  @Override
  public TGetOperationStatusResp GetOperationStatus(TGetOperationStatusReq request) throws TException {
    TStatus foreign = foreign(request.getOperationHandle());
    return foreign == null ? super.GetOperationStatus(request) : new TGetOperationStatusResp(foreign);
  }

  @Override
  public TCancelOperationResp CancelOperation(TCancelOperationReq request) throws TException {
    TStatus foreign = foreign(request.getOperationHandle());
    if (foreign != null) {
      return new TCancelOperationResp(foreign);
    }
    NotedStatements.cancelled(idOf(request.getOperationHandle()));
    return super.CancelOperation(request);
  }

  @Override
  public TCloseOperationResp CloseOperation(TCloseOperationReq request) throws TException {
    TStatus foreign = foreign(request.getOperationHandle());
    if (foreign != null) {
      return new TCloseOperationResp(foreign);
    }
    String operation = idOf(request.getOperationHandle());
    NotedStatements.closing(operation);
    TCloseOperationResp response = super.CloseOperation(request);
    NotedStatements.ended(operation);
    return response;
  }

  @Override
  public TGetResultSetMetadataResp GetResultSetMetadata(TGetResultSetMetadataReq request) throws TException {
    TStatus foreign = foreign(request.getOperationHandle());
    return foreign == null ? super.GetResultSetMetadata(request) : new TGetResultSetMetadataResp(foreign);
  }

  @Override
  public TFetchResultsResp FetchResults(TFetchResultsReq request) throws TException {
    TStatus foreign = foreign(request.getOperationHandle());
    if (foreign != null) {
      return new TFetchResultsResp(foreign);
    }
    TFetchResultsResp response = super.FetchResults(request);
    if (request.getFetchType() == ROWS) {
      NotedStatements.fetched(idOf(request.getOperationHandle()), response.getStatus(), response.getResults());
    }
    return response;
  }

  @Override
  public TGetDelegationTokenResp GetDelegationToken(TGetDelegationTokenReq request) {
    return new TGetDelegationTokenResp(status("A delegation token is refused."));
  }

  @Override
  public TCancelDelegationTokenResp CancelDelegationToken(TCancelDelegationTokenReq request) {
    return new TCancelDelegationTokenResp(status("A delegation token is refused."));
  }

  @Override
  public TRenewDelegationTokenResp RenewDelegationToken(TRenewDelegationTokenReq request) {
    return new TRenewDelegationTokenResp(status("A delegation token is refused."));
  }

  @Override
  public TGetQueryIdResp GetQueryId(TGetQueryIdReq request) throws TException {
    if (foreign(request.getOperationHandle()) != null) {
      throw new TException("The operation is not one of this connection.");
    }
    return super.GetQueryId(request);
  }

  /** Take what a client says about itself without logging it: it may be a password. */
  @Override
  public TSetClientInfoResp SetClientInfo(TSetClientInfoReq request) {
    TStatus foreign = foreign(request.getSessionHandle());
    return new TSetClientInfoResp(foreign == null ? new TStatus(TStatusCode.SUCCESS_STATUS) : foreign);
  }

  @Override
  public TUploadDataResp UploadData(TUploadDataReq request) throws TException {
    throw new TException("Writing a file is refused.");
  }

  @Override
  public TDownloadDataResp DownloadData(TDownloadDataReq request) throws TException {
    throw new TException("Reading a file is refused.");
  }

  @Override
  public synchronized void start() {
    super.start();
    ended.start();
  }

  @Override
  public synchronized void stop() {
    ended.stop();
    super.stop();
  }

  /** Close the sessions of users who were removed meanwhile, with what they run. */
  private void closeEnded() {
    Map<ServerContext, Login> now;
    synchronized (logins) {
      now = new HashMap<>(logins);
    }
    now.forEach((context, login) -> {
      if (!Logins.stands(login)) {
        sessions.getOrDefault(context, Set.of()).forEach(this::close);
      }
    });
  }

  private void close(SessionHandle handle) {
    try {
      cliService.closeSession(handle);
      NotedSessions.ended(idOf(handle));
    } catch (HiveSQLException closed) {
      return; // by its client, or in an earlier look
    }
  }

  /** Return the error for a session that this connection did not open or whose user was removed, or null. */
  private TStatus foreign(TSessionHandle handle) {
    return own().contains(new SessionHandle(handle)) ? ended() : status("The session is not one of this connection.");
  }

  /** Return the error of a connection whose user was removed, or null. */
  private TStatus ended() {
    Login login = logins.get(currentServerContext.get());
    return login == null || Logins.stands(login) ? null : status(ENDED);
  }

  /** Return the error for an operation of a session that this connection did not open, or null. */
  private TStatus foreign(TOperationHandle handle) {
    Operation operation = operation(handle);
    // Hive's own answer says that there is none.
    return operation == null || own().contains(operation.getParentSession().getSessionHandle()) ? ended()
        : status("The operation is not one of this connection.");
  }

  /** Return the operation of a handle, or null. */
  private Operation operation(TOperationHandle handle) {
    try {
      return handle == null ? null
          : cliService.getSessionManager().getOperationManager().getOperation(new OperationHandle(handle));
    } catch (HiveSQLException absent) {
      return null;
    }
  }

  /** Return the response for a session that could be noted; one that could not is closed and refused. */
  private TOpenSessionResp noted(SessionHandle handle, TOpenSessionResp response) throws TException {
    try {
      NotedSessions.opened(Caller.current(idOf(handle)));
      return response;
    } catch (RefusedStatement unwritten) {
      super.CloseSession(new TCloseSessionReq(response.getSessionHandle()));
      TOpenSessionResp refused = new TOpenSessionResp();
      refused.setStatus(status(unwritten.getMessage()));
      return refused;
    }
  }

  /** The public half of a session's handle, which nobody can use. */
  private static String idOf(SessionHandle handle) {
    return handle.getSessionId().toString();
  }

  private static String idOf(TOperationHandle handle) {
    return new OperationHandle(handle).getHandleIdentifier().getPublicId().toString();
  }

  private Set<SessionHandle> own() {
    return sessions.computeIfAbsent(currentServerContext.get(), context -> ConcurrentHashMap.newKeySet());
  }

  private SparkSession sparkSession(SessionHandle handle) {
    return ((SparkSQLOperationManager) cliService.getSessionManager().getOperationManager())
        .sessionToContexts().get(handle);
  }

  private static TStatus status(String message) {
    TStatus status = new TStatus(TStatusCode.ERROR_STATUS);
    status.setErrorMessage(message.startsWith("[") ? message : RefusedStatement.CONDITION + message);
    return status;
  }
}
