// Made of the routes by `npm run openapi`; not to be edited.
/** What is wrong: every refusal. */
type Refused = {
  headers: Record<string, unknown>;
  content: { "application/problem+json": components["schemas"]["Problem"] };
};

/** What every path takes and answers. */
export interface paths {
  "/api/register": {
    /** Register */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "username": string;
        "email": string;
        "password": string;
        "first_name"?: string;
        "last_name"?: string;
        "locale"?: "en" | "ru" | null;
      } } };
      responses: {
        201: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
        "user_id": number;
        "username": string;
        /** A secret: whoever has it is signed in. */
        "token": string;
        /** ISO 8601, in UTC. */
        "expires_at": string;
        "email_sent": string;
      } } };
        400: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/login": {
    /** Sign in */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "username": string;
        "password": string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["SignedIn"] } };
        400: Refused;
        401: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/logout": {
    /** Sign out: end the session of this token */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Message"] } };
        401: Refused;
        403: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/profile": {
    /** Show your account */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Account"] } };
        401: Refused;
        403: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** Change your account */
    patch: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "first_name"?: string;
        "last_name"?: string;
        "locale"?: "en" | "ru" | null;
        "email"?: string;
        "password"?: string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Account"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/public": {
    /** Answer everybody */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Message"] } };
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/protected": {
    /** Answer whoever signed in */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
        "user": string;
      } } };
        401: Refused;
        403: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/sessions": {
    /** List your sessions */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "sessions": (components["schemas"]["Session"])[];
      } } };
        401: Refused;
        403: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** End all your sessions */
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        /** Sessions that were ended. */
        "revoked": number;
      } } };
        401: Refused;
        403: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/sessions/{id}": {
    /** End one of your sessions */
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        /** Sessions that were ended. */
        "revoked": number;
      } } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/password-change": {
    /** Change your password */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "old_password": string;
        "new_password": string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Message"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/password-reset": {
    /** Ask for a link to set a new password */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "email": string;
      } } };
      responses: {
        202: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Message"] } };
        400: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/password-reset/confirm": {
    /** Set a new password with the token of the link */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "token": string;
        "new_password": string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Message"] } };
        400: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/users": {
    /** List accounts */
    get: {
      parameters: {
        query?: {
          /** Of the account with this name. */
          "username"?: string;
          /** Of accounts with this role. */
          "role"?: "user" | "viewer" | "operator" | "admin";
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "users": (components["schemas"]["AccountForAdmins"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/users/{id}": {
    /** Give an account a role */
    patch: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "role": "user" | "viewer" | "operator" | "admin";
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["AccountForAdmins"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/create-order": {
    /** Create an order */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "orderId": string;
        "userId": number;
        "totalAmount": number;
        "customerEmail": string;
        "currency"?: string;
        "locale"?: "en" | "ru";
        "items"?: ({
          "sku"?: string;
          "name": string;
          "quantity": number;
          "unitPrice": number;
          "sellerId"?: number;
        })[];
        "paymentMethod"?: string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["CreatedOrder"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/orders": {
    /** List your orders, the newest first */
    get: {
      parameters: {
        query?: {
          /** In this state. */
          "state"?: "pending" | "paid" | "payment_failed" | "shipped" | "delivered" | "cancelled" | "refunded";
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "orders": (components["schemas"]["Order"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/orders/{id}": {
    /** Show an order with its payment, items and tasks */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["WholeOrder"] } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/orders/{id}/emails": {
    /** List an order's mails */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "emails": (components["schemas"]["Email"])[];
      } } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/orders/{id}/ship": {
    /** Say that an order is on its way */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Order"] } };
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/orders/{id}/deliver": {
    /** Say that an order has arrived */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Order"] } };
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/orders/{id}/cancel": {
    /** Cancel an order that is not shipped */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Order"] } };
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/orders/{id}/refund": {
    /** Give the money of an order back */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Order"] } };
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/orders/{id}/pay": {
    /** Pay an order whose payment was declined */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "paymentMethod"?: string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["StartedOrder"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/payments/webhook": {
    /** Tell of a payment: the gateway's webhook */
    post: {
      parameters: {
        query?: never;
        header?: {
          /** `t=…,v1=…`, by the webhook's secret. */
          "Stripe-Signature"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": unknown } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "received": true;
        /** The task that applies it; absent: it changes nothing. */
        "task_id"?: string;
      } } };
        400: Refused;
        413: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/payments/differences": {
    /** List where our payments and the gateway's book differ */
    get: {
      parameters: {
        query?: {
          /** In this state. */
          "state"?: "open" | "resolved";
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "differences": (components["schemas"]["PaymentDifference"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
        "last_run": components["schemas"]["Reconciliation"] | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/payments/differences/{id}/resolve": {
    /** Say that a difference is dealt with */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "note": string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["PaymentDifference"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/products": {
    /** List the products */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "products": (components["schemas"]["Product"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/products/{sku}": {
    /** Show a product */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "sku": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Product"] } };
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** Add or change a product */
    put: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "sku": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "name": string;
        "price": number;
        "currency"?: string;
        "sellerId"?: number | null;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Product"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/cart": {
    /** Show the cart */
    get: {
      parameters: {
        query?: {
          /** Whose cart it is: for API keys; people have their own. */
          "user_id"?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Cart"] } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** Empty the cart */
    delete: {
      parameters: {
        query?: {
          /** Whose cart it is: for API keys; people have their own. */
          "user_id"?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Cart"] } };
        401: Refused;
        403: Refused;
        409: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/cart/items/{sku}": {
    /** Put so many of a product into the cart */
    put: {
      parameters: {
        query?: {
          /** Whose cart it is: for API keys; people have their own. */
          "user_id"?: number;
        };
        header?: never;
        path: {
          "sku": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "quantity": number;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Cart"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** Take a product out of the cart */
    delete: {
      parameters: {
        query?: {
          /** Whose cart it is: for API keys; people have their own. */
          "user_id"?: number;
        };
        header?: never;
        path: {
          "sku": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Cart"] } };
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/cart/checkout": {
    /** Order what is in the cart */
    post: {
      parameters: {
        query?: {
          /** Whose cart it is: for API keys; people have their own. */
          "user_id"?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "orderId": string;
        "expectedTotal": number;
        "customerEmail"?: string;
        "locale"?: "en" | "ru";
        "paymentMethod"?: string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["StartedOrder"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/orders/{id}/reviews": {
    /** Review an order, or an article of it */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "sku"?: string;
        "rating": number;
        "text"?: string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Review"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/products/{sku}/reviews": {
    /** List a product's reviews, the newest first */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path: {
          "sku": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "reviews": (components["schemas"]["Review"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
        "sku": string;
        "count": number;
        "average": number | null;
      } } };
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/reviews/{id}": {
    /** Delete a review */
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        204: { headers: Record<string, unknown>; content?: never };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/transactions": {
    /** Open a transaction between a buyer and a seller */
    post: {
      parameters: {
        query?: never;
        header?: {
          /** A request that is repeated with the same key is made once, and answered the same. */
          "Idempotency-Key"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "user_id"?: number;
        "seller_id": number;
        "title": string;
        "amount": number;
        "currency"?: string;
        "milestones": ({
          "title": string;
          "amount": number;
        })[];
      } } };
      responses: {
        201: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["EscrowCase"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** List transactions, the newest first */
    get: {
      parameters: {
        query?: {
          /** As whom to look: for who may act for people. */
          "user_id"?: number;
          /** In this state. */
          "state"?: "pending_funding" | "funded" | "in_progress" | "disputed" | "cancelled" | "refunded" | "completed";
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "transactions": (components["schemas"]["EscrowTransaction"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/transactions/{id}": {
    /** Show a transaction with its balance and history */
    get: {
      parameters: {
        query?: {
          /** As whom to look: for who may act for people. */
          "user_id"?: number;
        };
        header?: never;
        path: {
          /** The id of a transaction. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["WholeEscrowCase"] } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/transactions/{id}/fund": {
    /** Say that the buyer's money has come in */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a transaction. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "reference": string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["EscrowCase"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/transactions/{id}/start": {
    /** Set to work, as the seller */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a transaction. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "user_id"?: number;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["EscrowCase"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/transactions/{id}/dispute": {
    /** Dispute a transaction */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a transaction. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "user_id"?: number;
        "reason": string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["EscrowCase"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/transactions/{id}/cancel": {
    /** Cancel a transaction that is not funded */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a transaction. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "user_id"?: number;
        "reason"?: string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["EscrowCase"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/transactions/{id}/refund": {
    /** Give what is held back to the buyer */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a transaction. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "user_id"?: number;
        "reason"?: string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["EscrowCase"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/transactions/{id}/release": {
    /** Give what is held to the seller */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a transaction. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "user_id"?: number;
        "reason"?: string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["EscrowCase"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/transactions/{id}/milestones/{number}/submit": {
    /** Say that a milestone is reached, as the seller */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a transaction. */
          "id": string;
          "number": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "user_id"?: number;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["EscrowCase"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/transactions/{id}/milestones/{number}/approve": {
    /** Approve a milestone, and pay for it */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a transaction. */
          "id": string;
          "number": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "user_id"?: number;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["EscrowCase"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/transactions/{id}/milestones/{number}/reject": {
    /** Send a milestone back, as the buyer */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a transaction. */
          "id": string;
          "number": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "user_id"?: number;
        "reason": string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["EscrowCase"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/verification": {
    /** Ask to be verified as a seller */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "user_id"?: number;
        "legal_name": string;
        "country": string;
        "details": string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["SellerVerification"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** Show a seller's verification */
    get: {
      parameters: {
        query?: {
          /** Whose it is: for who may act for people. */
          "user_id"?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["SellerVerification"] } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/verification/pending": {
    /** List the sellers that wait for a decision */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "verifications": (components["schemas"]["SellerVerification"])[];
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/escrow/verification/{user_id}/decide": {
    /** Decide on a seller's verification */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "user_id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "status": "VERIFIED" | "REJECTED";
        "reason"?: string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["SellerVerification"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/emails": {
    /** List mails, the newest first */
    get: {
      parameters: {
        query?: {
          /** Of what was sent by this task. */
          "task_id"?: string;
          /** In this state. */
          "state"?: "pending" | "sending" | "sent" | "failed";
          /** Of this message. */
          "template"?: string;
          /** To this address. */
          "to"?: string;
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "emails": (components["schemas"]["Email"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/emails/{key}/{to}/{template}": {
    /** Show a mail */
    get: {
      parameters: {
        query?: {
          /** As its readers see it. */
          "format"?: "html" | "text";
        };
        header?: never;
        path: {
          /** The `task_id` of the mail. */
          "key": string;
          /** Its recipient. */
          "to": string;
          /** Its message. */
          "template": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Email"]; "text/html": unknown; "text/plain": unknown } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/mail/templates": {
    /** List the messages that the shop sends */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "templates": ({
          "name": string;
          /** Its readers may unsubscribe. */
          "bulk": boolean;
          /** By language. */
          "subjects": Record<string, string>;
        })[];
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/mail/templates/{name}": {
    /** Show a message with a sample of what stands in it */
    get: {
      parameters: {
        query?: {
          /** In this language; else in the deployment's. */
          "locale"?: "en" | "ru";
          /** As its readers see it. */
          "format"?: "html" | "text";
        };
        header?: never;
        path: {
          "name": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "text/html": unknown; "text/plain": unknown } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/mail/suppressions": {
    /** List the addresses that are not written to */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "suppressions": (components["schemas"]["Suppression"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** Write to an address no more */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "address": string;
        "reason": "hard_bounce" | "unsubscribed";
        "detail"?: string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Suppression"] } };
        201: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Suppression"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/mail/suppressions/{address}": {
    /** Write to an address again */
    delete: {
      parameters: {
        query?: {
          /** Only what is there for this reason. */
          "reason"?: "hard_bounce" | "unsubscribed";
        };
        header?: never;
        path: {
          "address": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        204: { headers: Record<string, unknown>; content?: never };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/mail/unsubscribe/{token}": {
    /** End bulk mail for an address, by the link in it */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "token": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "text/html": unknown } };
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/files": {
    /** Upload a file; a task works through it */
    post: {
      parameters: {
        query: {
          /** What it is called. */
          "name": string;
          /** What is in it. */
          "kind": "products" | "orders" | "image";
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "text/csv": unknown; "image/png": unknown; "image/jpeg": unknown; "image/gif": unknown; "image/webp": unknown } };
      responses: {
        202: { headers: Record<string, unknown>; content: { "application/json": {
        "file_id": string;
        "task_id": string | null;
      } } };
        400: Refused;
        401: Refused;
        403: Refused;
        409: Refused;
        411: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** List your files, the newest first */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "files": (components["schemas"]["File"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/files/{id}": {
    /** Show a file, and how far its task is */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "file_id": string;
        "name": string;
        "kind": "products" | "orders" | "image";
        "content_type": string;
        /** Bytes. */
        "size": number;
        "state": string;
        "task_id": string | null;
        /** What its task made of it. */
        "result": unknown;
        /** ISO 8601, in UTC. */
        "created_at": string;
        "progress": unknown;
      } } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** Delete a file */
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        204: { headers: Record<string, unknown>; content?: never };
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/files/{id}/content": {
    /** Download a file */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "text/csv": unknown; "image/png": unknown; "image/jpeg": unknown; "image/gif": unknown; "image/webp": unknown } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/files/{id}/errors": {
    /** Download the rows of a file that were not taken, and why */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "text/csv": unknown } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/reports": {
    /** List reports, the newest first */
    get: {
      parameters: {
        query?: {
          /** Of this kind. */
          "kind"?: "daily" | "weekly";
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "reports": (components["schemas"]["Report"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** Make a report */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "kind": "daily" | "weekly";
        "date"?: string;
      } } };
      responses: {
        202: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["StartedTask"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/reports/{kind}/{period}": {
    /** Download a report */
    get: {
      parameters: {
        query?: {
          /** Absent: as the header Accept says, else as JSON. */
          "format"?: "json" | "csv";
        };
        header?: never;
        path: {
          "kind": "daily" | "weekly";
          /** `2025-06-26`, or `2025-W26`. */
          "period": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "kind": "daily" | "weekly";
        "period": string;
        /** The period was over when it was made. */
        "complete": boolean;
        /** ISO 8601, in UTC. */
        "created_at": string;
        "task_id": string;
        "report": Record<string, unknown>;
      }; "text/csv": unknown } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/backups": {
    /** Make a backup */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": Record<string, never> } };
      responses: {
        202: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["StartedTask"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** List backups, the newest first */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "backups": ({
          "backup_id": string;
          /** ISO 8601, in UTC. */
          "started_at": string;
          /** ISO 8601, in UTC. */
          "finished_at": string;
          "migrations": (string)[];
          /** Tables that no backup has. */
          "left_out": (string)[];
          "encrypted": boolean;
          "rows": number;
          "parts": number;
          "bytes": number;
          "finished": true;
        } | {
          "backup_id": string;
          /** ISO 8601, in UTC. */
          "started_at": string;
          "finished": false;
        })[];
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/backups/{id}": {
    /** Show a backup, table by table */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "backup_id": string;
        /** ISO 8601, in UTC. */
        "started_at": string;
        /** ISO 8601, in UTC. */
        "finished_at": string;
        "migrations": (string)[];
        /** Tables that no backup has. */
        "left_out": (string)[];
        "encrypted": boolean;
        "rows": number;
        "parts": number;
        "bytes": number;
        "tables": (Record<string, unknown>)[];
      } } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/backups/{id}/restore": {
    /** Restore a backup into an empty database */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": Record<string, never> } };
      responses: {
        202: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["StartedTask"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/tasks/process": {
    /** Process a text in the background */
    post: {
      parameters: {
        query?: never;
        header?: {
          /** A request that is repeated with the same key is made once, and answered the same. */
          "Idempotency-Key"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "data": string;
      } } };
      responses: {
        202: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["SentTask"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/tasks": {
    /** Call a task by its name */
    post: {
      parameters: {
        query?: {
          /** Answer when it has ended, or after so many seconds. */
          "wait"?: number;
        };
        header?: {
          /** A request that is repeated with the same key is made once, and answered the same. */
          "Idempotency-Key"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": components["schemas"]["TaskCall"] } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Task"] } };
        202: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["SentTask"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** List tasks as Flower does */
    get: {
      parameters: {
        query?: {
          "limit"?: number;
          "offset"?: number;
          /** One of name, state, received, started; -received etc. */
          "sort_by"?: string;
          "workername"?: string;
          "taskname"?: string;
          "state"?: string;
          /** 2026-11-21 08:00, UTC */
          "received_start"?: string;
          /** 2026-11-21 08:00, UTC */
          "received_end"?: string;
          "search"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": Record<string, Record<string, unknown>> } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "application/json": {
        "error": string;
      }; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "application/json": {
        "error": string;
      }; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "application/json": {
        "error": string;
      }; "text/plain": unknown } };
      };
    };
  };
  "/api/tasks/bulk": {
    /** Call many tasks: all of them, or none */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "tasks": (components["schemas"]["TaskCall"])[];
      } } };
      responses: {
        202: { headers: Record<string, unknown>; content: { "application/json": {
        "task_ids": (string)[];
      } } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/tasks/definitions": {
    /** List the tasks that can be called, with what they take */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "tasks": ({
          "name": string;
          /** Null: as the deployment's routes say. */
          "queue": string | null;
          /** JSON Schema (draft 2020-12) of its arguments by name; secrets are `writeOnly`. */
          "params_schema": Record<string, unknown>;
        })[];
      } } };
        401: Refused;
        403: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/tasks/status/{id}": {
    /** Show a task's status and result, in short */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a task. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["TaskStatus"] } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/tasks/{id}": {
    /** Show everything known about a task */
    get: {
      parameters: {
        query?: {
          /** Answer when it has ended, or after so many seconds. */
          "wait"?: number;
        };
        header?: never;
        path: {
          /** The id of a task. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Task"] } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/tasks/{id}/result": {
    /** Get a task's result, however large */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a task. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": unknown } };
        401: Refused;
        403: Refused;
        404: Refused;
        410: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/tasks/{id}/events": {
    /** Follow a task's states */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a task. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "text/event-stream": unknown } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/tasks/{id}/events/{name}": {
    /** Send an event to a task that waits for it */
    post: {
      parameters: {
        query?: never;
        header?: {
          /** A request that is repeated with the same key is made once, and answered the same. */
          "Idempotency-Key"?: string;
        };
        path: {
          /** The id of a task. */
          "id": string;
          /** The event's name. */
          "name": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "payload"?: unknown;
      } } };
      responses: {
        202: { headers: Record<string, unknown>; content: { "application/json": {
        /** The id of a task. */
        "task_id": string;
        "event": string;
        /** It was delivered before, with the same Idempotency-Key. */
        "duplicate": boolean;
      } } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/tasks/{id}/revoke": {
    /** Call a task off */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a task. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "terminate"?: boolean;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Task"] } };
        204: { headers: Record<string, unknown>; content?: never };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/tasks/{id}/reschedule": {
    /** Change when, where or how urgently a waiting task runs */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a task. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "countdown"?: number;
        "eta"?: string;
        "queue"?: string;
        "priority"?: number;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Task"] } };
        204: { headers: Record<string, unknown>; content?: never };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/canvas": {
    /** Start a canvas */
    post: {
      parameters: {
        query?: {
          /** `true`: check it, and say what it would be. */
          "dry_run"?: "true" | "false";
        };
        header?: {
          /** A request that is repeated with the same key is made once, and answered the same. */
          "Idempotency-Key"?: string;
        };
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": components["schemas"]["Signature"] } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "valid": true;
        "name"?: string;
        /** Tasks in it. */
        "tasks"?: number;
        /** Members that its tree has. */
        "places"?: number;
      } } };
        202: { headers: Record<string, unknown>; content: { "application/json": {
        "canvas_id": string;
      } } };
        400: Refused;
        401: Refused;
        403: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/canvas/{id}": {
    /** Show a canvas: its state, counts, result, and its tree by pages */
    get: {
      parameters: {
        query?: {
          /** The place in the tree that the page begins with. */
          "from"?: number;
          /** Places of the page; it has fewer where their tasks are large. */
          "limit"?: number;
          /** Answer when it has ended, or after so many seconds. */
          "wait"?: number;
        };
        header?: never;
        path: {
          /** The id of a canvas. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Canvas"] } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/schedules": {
    /** List the schedules by name */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
          /** The `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "schedules": (components["schemas"]["Schedule"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** Make a schedule */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "args"?: (unknown)[];
        "kwargs"?: Record<string, unknown>;
        "crontab"?: {
          "minute"?: string | number;
          "hour"?: string | number;
          "day_of_month"?: string | number;
          "month_of_year"?: string | number;
          "day_of_week"?: string | number;
          "timezone"?: string;
        };
        "interval"?: {
          "every": number;
          "period": "seconds" | "minutes" | "hours" | "days";
        };
        "clocked"?: {
          "at": string;
        };
        "solar"?: {
          "event": "dawn_astronomical" | "dawn_nautical" | "dawn_civil" | "sunrise" | "solar_noon" | "sunset" | "dusk_civil" | "dusk_nautical" | "dusk_astronomical";
          "latitude": number;
          "longitude": number;
        };
        "enabled"?: boolean;
        "one_off"?: boolean;
        "start_time"?: string | null;
        "expires"?: string | null;
        "expire_seconds"?: number | null;
        "queue"?: string | null;
        "priority"?: number | null;
        "headers"?: Record<string, string>;
        "description"?: string;
        "missed"?: "skip" | "once" | {
          "all": number;
        };
        "overlap"?: "allow" | "skip" | "queue";
        "name": string;
        "task": string;
      } } };
      responses: {
        201: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Schedule"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/schedules/{name}": {
    /** Show a schedule */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The schedule's name. */
          "name": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Schedule"] } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** Change a schedule */
    patch: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The schedule's name. */
          "name": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "task"?: string;
        "args"?: (unknown)[];
        "kwargs"?: Record<string, unknown>;
        "crontab"?: {
          "minute"?: string | number;
          "hour"?: string | number;
          "day_of_month"?: string | number;
          "month_of_year"?: string | number;
          "day_of_week"?: string | number;
          "timezone"?: string;
        };
        "interval"?: {
          "every": number;
          "period": "seconds" | "minutes" | "hours" | "days";
        };
        "clocked"?: {
          "at": string;
        };
        "solar"?: {
          "event": "dawn_astronomical" | "dawn_nautical" | "dawn_civil" | "sunrise" | "solar_noon" | "sunset" | "dusk_civil" | "dusk_nautical" | "dusk_astronomical";
          "latitude": number;
          "longitude": number;
        };
        "enabled"?: boolean;
        "one_off"?: boolean;
        "start_time"?: string | null;
        "expires"?: string | null;
        "expire_seconds"?: number | null;
        "queue"?: string | null;
        "priority"?: number | null;
        "headers"?: Record<string, string>;
        "description"?: string;
        "missed"?: "skip" | "once" | {
          "all": number;
        };
        "overlap"?: "allow" | "skip" | "queue";
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Schedule"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
    /** Delete a schedule */
    delete: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The schedule's name. */
          "name": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        204: { headers: Record<string, unknown>; content?: never };
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/schedules/{name}/enable": {
    /** Enable a schedule */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The schedule's name. */
          "name": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": Record<string, never> } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Schedule"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/schedules/{name}/disable": {
    /** Disable a schedule */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The schedule's name. */
          "name": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": Record<string, never> } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Schedule"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/schedules/{name}/run": {
    /** Run a schedule's task now */
    post: {
      parameters: {
        query?: never;
        header?: {
          /** A request that is repeated with the same key is made once, and answered the same. */
          "Idempotency-Key"?: string;
        };
        path: {
          /** The schedule's name. */
          "name": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": Record<string, never> } };
      responses: {
        202: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["ScheduleRun"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/schedules/{name}/backfill": {
    /** Make up for the slots of a time that is past */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The schedule's name. */
          "name": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "from": string;
        "until": string;
      } } };
      responses: {
        202: { headers: Record<string, unknown>; content: { "application/json": {
        "runs": (components["schemas"]["ScheduleRun"])[];
      } } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/schedules/{name}/next": {
    /** Foresee a schedule's next runs */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "count"?: number;
        };
        header?: never;
        path: {
          /** The schedule's name. */
          "name": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "enabled": boolean;
        "timezone": string;
        "next": ({
          /** ISO 8601, in UTC. */
          "at": string;
          /** In the schedule's zone. */
          "local": string;
        })[];
      } } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/schedules/{name}/runs": {
    /** List a schedule's runs, the last first */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
        };
        header?: never;
        path: {
          /** The schedule's name. */
          "name": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "runs": (components["schemas"]["ScheduleRun"])[];
      } } };
        401: Refused;
        403: Refused;
        404: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/tasks/search": {
    /** Find tasks, live and finished */
    get: {
      parameters: {
        query?: {
          /** Of tasks with this name. A glob (`send_*`) has 50 characters at most. */
          "name"?: string;
          /** Of tasks in this state. */
          "state"?: "PENDING" | "STARTED" | "RETRY" | "SUSPENDED" | "SUCCESS" | "FAILURE" | "REVOKED" | "IGNORED";
          /** Of tasks of this queue. */
          "queue"?: string;
          /** `name:value`; several: tasks that have all of them. */
          "label"?: (string)[];
          /** Submitted at this instant or later. */
          "submitted_after"?: string;
          /** Submitted before this instant. */
          "submitted_before"?: string;
          /** In the arguments or in the error; ASCII letters in either case. Secrets are in neither. */
          "text"?: string;
          /** By the time of their submission; absent: the newest first. */
          "order"?: "newest" | "oldest";
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "tasks": (components["schemas"]["Task"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/events": {
    /** Follow what happens to tasks */
    get: {
      parameters: {
        query?: {
          /** Of this type. */
          "type"?: "task-sent" | "task-started" | "task-succeeded" | "task-failed" | "task-retried" | "task-revoked" | "task-rejected" | "task-custom";
          /** Of tasks with this name. A glob (`send_*`) has 50 characters at most. */
          "task"?: string;
          /** Of tasks of this queue. */
          "queue"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "text/event-stream": unknown } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/task/types": {
    /** List the names of all tasks as Flower does */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "task-types": (string)[];
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/html": unknown } };
      };
    };
  };
  "/api/task/info/{id}": {
    /** Show a task as Flower does */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": Record<string, unknown> } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/html": unknown } };
      };
    };
  };
  "/api/task/result/{id}": {
    /** Read a task's result as Flower does, or wait for it */
    get: {
      parameters: {
        query?: {
          /** Seconds; 60 at most are waited */
          "timeout"?: number;
        };
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "task-id": string;
        "state": string;
        "result"?: unknown;
        "traceback"?: string | null;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/html": unknown } };
      };
    };
  };
  "/api/task/apply/{name}": {
    /** Call a task as Flower does, and wait for its result */
    post: {
      parameters: {
        query?: never;
        header?: {
          /** A request that is repeated with the same key is made once, and answered the same. */
          "Idempotency-Key"?: string;
        };
        path: {
          "name": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "args"?: (unknown)[];
        "kwargs"?: Record<string, unknown>;
        "countdown"?: number | string;
        "eta"?: string;
        "expires"?: number | string;
        "queue"?: string;
        "priority"?: number;
        /** Null: without end. */
        "max_retries"?: number | null;
        "soft_time_limit"?: number;
        "time_limit"?: number;
        /** Its result is not kept. */
        "ignore_result"?: boolean;
        /** Seconds after its end for which its result may be read. */
        "result_expires"?: number;
        /** Whom it is for: keys share a queue fairly. */
        "key"?: string;
        "labels"?: Record<string, string>;
        /** Who is told, by a signed POST, that it has ended. */
        "callback_url"?: string;
        "link"?: (components["schemas"]["Signature"])[];
        "link_error"?: (components["schemas"]["Signature"])[];
        "undo"?: components["schemas"]["Signature"];
        "errors"?: "fail" | "collect";
        "unique"?: boolean | {
          "key"?: string;
          "for_seconds"?: number;
          "keep"?: "first" | "replace";
        };
        /** One call like this in so many seconds. */
        "throttle"?: number;
        /** It starts when no call like this came for so many seconds. */
        "debounce"?: number;
        "debounce_max"?: number;
        "serializer"?: unknown;
        "compression"?: unknown;
        "retry"?: unknown;
        "retry_policy"?: unknown;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "task-id": string;
        "state": string;
        "result"?: unknown;
        "traceback"?: string | null;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/html": unknown } };
      };
    };
  };
  "/api/task/async-apply/{name}": {
    /** Call a task as Flower does */
    post: {
      parameters: {
        query?: never;
        header?: {
          /** A request that is repeated with the same key is made once, and answered the same. */
          "Idempotency-Key"?: string;
        };
        path: {
          "name": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "args"?: (unknown)[];
        "kwargs"?: Record<string, unknown>;
        "countdown"?: number | string;
        "eta"?: string;
        "expires"?: number | string;
        "queue"?: string;
        "priority"?: number;
        /** Null: without end. */
        "max_retries"?: number | null;
        "soft_time_limit"?: number;
        "time_limit"?: number;
        /** Its result is not kept. */
        "ignore_result"?: boolean;
        /** Seconds after its end for which its result may be read. */
        "result_expires"?: number;
        /** Whom it is for: keys share a queue fairly. */
        "key"?: string;
        "labels"?: Record<string, string>;
        /** Who is told, by a signed POST, that it has ended. */
        "callback_url"?: string;
        "link"?: (components["schemas"]["Signature"])[];
        "link_error"?: (components["schemas"]["Signature"])[];
        "undo"?: components["schemas"]["Signature"];
        "errors"?: "fail" | "collect";
        "unique"?: boolean | {
          "key"?: string;
          "for_seconds"?: number;
          "keep"?: "first" | "replace";
        };
        /** One call like this in so many seconds. */
        "throttle"?: number;
        /** It starts when no call like this came for so many seconds. */
        "debounce"?: number;
        "debounce_max"?: number;
        "serializer"?: unknown;
        "compression"?: unknown;
        "retry"?: unknown;
        "retry_policy"?: unknown;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "task-id": string;
        "state": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/html": unknown } };
      };
    };
  };
  "/api/task/send-task/{name}": {
    /** Call a task by its name as Flower does */
    post: {
      parameters: {
        query?: never;
        header?: {
          /** A request that is repeated with the same key is made once, and answered the same. */
          "Idempotency-Key"?: string;
        };
        path: {
          "name": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "args"?: (unknown)[];
        "kwargs"?: Record<string, unknown>;
        "countdown"?: number | string;
        "eta"?: string;
        "expires"?: number | string;
        "queue"?: string;
        "priority"?: number;
        /** Null: without end. */
        "max_retries"?: number | null;
        "soft_time_limit"?: number;
        "time_limit"?: number;
        /** Its result is not kept. */
        "ignore_result"?: boolean;
        /** Seconds after its end for which its result may be read. */
        "result_expires"?: number;
        /** Whom it is for: keys share a queue fairly. */
        "key"?: string;
        "labels"?: Record<string, string>;
        /** Who is told, by a signed POST, that it has ended. */
        "callback_url"?: string;
        "link"?: (components["schemas"]["Signature"])[];
        "link_error"?: (components["schemas"]["Signature"])[];
        "undo"?: components["schemas"]["Signature"];
        "errors"?: "fail" | "collect";
        "unique"?: boolean | {
          "key"?: string;
          "for_seconds"?: number;
          "keep"?: "first" | "replace";
        };
        /** One call like this in so many seconds. */
        "throttle"?: number;
        /** It starts when no call like this came for so many seconds. */
        "debounce"?: number;
        "debounce_max"?: number;
        "serializer"?: unknown;
        "compression"?: unknown;
        "retry"?: unknown;
        "retry_policy"?: unknown;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "task-id": string;
        "state": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/html": unknown } };
      };
    };
  };
  "/api/task/abort/{id}": {
    /** Stop a task while it runs, as Flower does */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/html": unknown } };
      };
    };
  };
  "/api/task/revoke/{id}": {
    /** Call a task off as Flower does */
    post: {
      parameters: {
        query?: {
          "terminate"?: boolean;
          /** Means nothing here */
          "signal"?: string;
        };
        header?: never;
        path: {
          "id": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/workers": {
    /** Show the worker that stands for all consumers, as Flower does */
    get: {
      parameters: {
        query?: {
          /** Always the case */
          "refresh"?: boolean;
          "status"?: boolean;
          "workername"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": Record<string, unknown> } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/queues/length": {
    /** Count what waits in every queue, as Flower does */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "active_queues": ({
          "name": string;
          "messages": number;
        })[];
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/html": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/html": unknown } };
      };
    };
  };
  "/api/worker/shutdown/{worker}": {
    /** Stop consuming all queues */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "worker": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/worker/pool/restart/{worker}": {
    /** Refused: there is no pool */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "worker": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/worker/pool/grow/{worker}": {
    /** Refused: there is no pool */
    post: {
      parameters: {
        query?: {
          "n"?: number;
        };
        header?: never;
        path: {
          "worker": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/worker/pool/shrink/{worker}": {
    /** Refused: there is no pool */
    post: {
      parameters: {
        query?: {
          "n"?: number;
        };
        header?: never;
        path: {
          "worker": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/worker/pool/autoscale/{worker}": {
    /** Refused: there is no pool */
    post: {
      parameters: {
        query: {
          "min": number;
          "max": number;
        };
        header?: never;
        path: {
          "worker": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/worker/queue/add-consumer/{worker}": {
    /** Consume a queue again */
    post: {
      parameters: {
        query: {
          "queue": string;
        };
        header?: never;
        path: {
          "worker": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/worker/queue/cancel-consumer/{worker}": {
    /** Stop consuming a queue */
    post: {
      parameters: {
        query: {
          "queue": string;
        };
        header?: never;
        path: {
          "worker": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/task/rate-limit/{name}": {
    /** Set a task's rate limit as Flower does */
    post: {
      parameters: {
        query: {
          "ratelimit": string;
          "workername"?: string;
        };
        header?: never;
        path: {
          "name": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/task/timeout/{name}": {
    /** Set a task's time limits as Flower does */
    post: {
      parameters: {
        query?: {
          "soft"?: number;
          "hard"?: number;
          "workername"?: string;
        };
        header?: never;
        path: {
          "name": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "message": string;
      } } };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/task/events/{type}": {
    /** Follow events of one type as Flower had them */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "type": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        101: { headers: Record<string, unknown>; content?: never };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/api/task/events/{type}/{task}": {
    /** Follow events of one type as Flower had them */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          "type": string;
          "task": string;
        };
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        101: { headers: Record<string, unknown>; content?: never };
        401: Refused;
        403: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        429: Refused;
        500: Refused;
        503: { headers: Record<string, unknown>; content: { "application/problem+json": components["schemas"]["Problem"]; "text/plain": unknown } };
        "4XX": { headers: Record<string, unknown>; content: { "text/plain": unknown } };
      };
    };
  };
  "/healthcheck": {
    /** Say that the API answers */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content?: never };
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/dead-letters": {
    /** List dead letters, those that failed last first */
    get: {
      parameters: {
        query?: {
          /** Of tasks with this name. A glob (`send_*`) has 50 characters at most. */
          "name"?: string;
          /** Of tasks of this queue. */
          "queue"?: string;
          /** Of tasks that failed with this error. */
          "exc_type"?: string;
          /** `name:value`; several: tasks that have all of them. */
          "label"?: (string)[];
          /** Failed at this instant or later. */
          "failed_after"?: string;
          /** Failed before this instant. */
          "failed_before"?: string;
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "tasks": (components["schemas"]["Task"])[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/dead-letters/summary": {
    /** Group dead letters by task and error, the largest first */
    get: {
      parameters: {
        query?: {
          /** Of tasks with this name. A glob (`send_*`) has 50 characters at most. */
          "name"?: string;
          /** Of tasks of this queue. */
          "queue"?: string;
          /** Of tasks that failed with this error. */
          "exc_type"?: string;
          /** `name:value`; several: tasks that have all of them. */
          "label"?: (string)[];
          /** Failed at this instant or later. */
          "failed_after"?: string;
          /** Failed before this instant. */
          "failed_before"?: string;
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "groups": (components["schemas"]["DeadLetterGroup"])[];
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/dead-letters/replay": {
    /** Run dead letters again, as new tasks */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "ids"?: (string)[];
        "filter"?: {
          "name"?: string;
          "queue"?: string;
          "exc_type"?: string;
          "labels"?: Record<string, string>;
          "failed_after"?: string;
          "failed_before"?: string;
        };
        "limit"?: number;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "tasks": (components["schemas"]["DeadLetterAnswer"])[];
      } } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/dead-letters/discard": {
    /** Put dead letters aside */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "ids"?: (string)[];
        "filter"?: {
          "name"?: string;
          "queue"?: string;
          "exc_type"?: string;
          "labels"?: Record<string, string>;
          "failed_after"?: string;
          "failed_before"?: string;
        };
        "limit"?: number;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "tasks": (components["schemas"]["DeadLetterAnswer"])[];
      } } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/dead-letters/{id}/replay": {
    /** Run a dead letter again, with other arguments if need be */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path: {
          /** The id of a task. */
          "id": string;
        };
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "kwargs"?: Record<string, unknown>;
      } } };
      responses: {
        202: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["DeadLetterAnswer"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        404: Refused;
        409: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/control/rate_limit": {
    /** Set a task's rate limit */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "task": string;
        "rate_limit": string | number | null;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Done"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/control/time_limit": {
    /** Set a task's time limits, in seconds */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "task": string;
        "soft"?: number | null;
        "hard"?: number | null;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Done"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/control/revoke": {
    /** Call off many tasks: by their ids, or all that fit a filter */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "ids"?: (string)[];
        "name"?: string;
        "queue"?: string;
        "labels"?: Record<string, string>;
        "terminate"?: boolean;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "revoked": number;
        /** They run: they are not run again, and stopped if that was asked for. */
        "marked": number;
        /** Of the ids that were given. */
        "unknown"?: (string)[];
      } } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/control/cancel_consumer": {
    /** Stop consuming a queue */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "queue": string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Done"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/control/add_consumer": {
    /** Consume a queue again */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "queue": string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Done"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/control/shutdown": {
    /** Stop consuming every queue, until start */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": Record<string, never> } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Done"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/control/start": {
    /** Consume again what was shut down */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": Record<string, never> } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": components["schemas"]["Done"] } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/control/purge": {
    /** Call off everything that waits in a queue */
    post: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody: { content: { "application/json": {
        "queue": string;
      } } };
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        /** How many there were. */
        "ok": number;
      } } };
        400: Refused;
        401: Refused;
        403: Refused;
        413: Refused;
        415: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/inspect/active": {
    /** List the tasks that run */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "tasks": (components["schemas"]["Task"])[];
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/inspect/reserved": {
    /** List the tasks that are due and wait for a consumer */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "tasks": (components["schemas"]["Task"])[];
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/inspect/scheduled": {
    /** List the tasks that are not due yet */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "tasks": (components["schemas"]["Task"])[];
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/inspect/revoked": {
    /** List the tasks that run although they were called off */
    get: {
      parameters: {
        query?: {
          /** How many at most. */
          "limit"?: number;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "tasks": (components["schemas"]["Task"])[];
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/inspect/registered": {
    /** List the tasks that there are, with their limits as they are now */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "tasks": (components["schemas"]["RegisteredTask"])[];
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/inspect/query_task": {
    /** Find tasks by their ids */
    get: {
      parameters: {
        query: {
          /** The ids of tasks. */
          "id": (string)[];
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": Record<string, [string, components["schemas"]["Task"]]> } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/inspect/stats": {
    /** Show what every queue holds, and what is stopped */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "is_shut_down": boolean;
        "cancelled_consumers": (string)[];
        "shards": number;
        "queues": (components["schemas"]["Queue"])[];
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/inspect/conf": {
    /** Show the settings that may be shown */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "queues": (string)[];
        "shards": number;
      } & Record<string, unknown> } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/queues": {
    /** Show what every queue holds */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "queues": (components["schemas"]["Queue"])[];
      } } };
        401: Refused;
        403: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/audit": {
    /** List what operators did, the newest first */
    get: {
      parameters: {
        query?: {
          /** Who did it: the owner of the account or key. */
          "actor"?: string;
          /** What was done, as `POST /api/control/purge`. */
          "action"?: string;
          /** Not before. */
          "since"?: string;
          /** Before. */
          "until"?: string;
          /** How many at most. */
          "limit"?: number;
          /** Where to go on: the `next_cursor` of the answer before. */
          "cursor"?: string;
        };
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "entries": ({
          "id": string;
          "at": string;
          "actor": string;
          "user_id": number | null;
          "how": "key" | "session" | "open";
          "action": string;
          "target": Record<string, string>;
          "detail": unknown;
          "status": number | null;
          "address": string | null;
          "trace_id": string | null;
        })[];
        /** Given as `cursor` it leads to the next page; null: there is none. */
        "next_cursor": string | null;
      } } };
        401: Refused;
        403: Refused;
        422: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/api/system": {
    /** Tell how the deployment is */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "status": "ok" | "problem";
        "at": string;
        "environment": "development" | "staging" | "production";
        "agents": ({
          "name": string;
          "does": string;
          "last_ran_at": string | null;
          "next_at": string | null;
          "problem": string | null;
          "problem_since": string | null;
          "note": string | null;
        })[];
        "usage": ({
          "name": string;
          "used": number;
          "limit": number;
          "unit": string;
        })[];
        "figures": ({
          "name": string;
          "value": number;
          "unit": string;
          "since": string | null;
        })[];
        "findings": ({
          "name": string;
          "level": "problem" | "risk";
          "message": string;
        })[];
      } } };
        401: Refused;
        403: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/readyz": {
    /** Tell whether the deployment can do its work */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "status": "ok";
      } } };
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/metrics": {
    /** Read metrics in Prometheus' text format */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content?: never };
        401: Refused;
        403: Refused;
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/healthz": {
    /** Tell that the Worker runs */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": {
        "status": "ok";
      } } };
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
  "/openapi.json": {
    /** Describe this API: OpenAPI 3.1 */
    get: {
      parameters: {
        query?: never;
        header?: never;
        path?: never;
        cookie?: never;
      };
      requestBody?: never;
      responses: {
        200: { headers: Record<string, unknown>; content: { "application/json": Record<string, unknown> } };
        429: Refused;
        500: Refused;
        503: Refused;
      };
    };
  };
}

/** Schemas that answers and requests share. */
export interface components {
  schemas: {
    "Account": {
      "user_id": number;
      "username": string;
      "email": string;
      "first_name": string;
      "last_name": string;
      "role": "user" | "viewer" | "operator" | "admin";
      /** Null: the deployment's. */
      "locale": string | null;
      /** ISO 8601, in UTC. */
      "date_joined": string;
    };
    "AccountForAdmins": {
      "user_id": number;
      "username": string;
      "email": string;
      "first_name": string;
      "last_name": string;
      "role": "user" | "viewer" | "operator" | "admin";
      /** Null: the deployment's. */
      "locale": string | null;
      /** ISO 8601, in UTC. */
      "date_joined": string;
      /** Whether it is known that the address is theirs. */
      "owns_email": boolean;
    };
    "Canvas": {
      "canvas_id": string;
      "name": string;
      /** PENDING, STARTED, RETRY, SUSPENDED, SUCCESS, FAILURE, REVOKED, IGNORED; or one that the running task gave itself, as PROGRESS. */
      "state": string;
      "result": unknown;
      /** The result is not kept any longer. */
      "result_expired"?: boolean;
      /** Of a large result, bytes. */
      "result_size"?: number;
      /** Where a large result is to be had. */
      "result_url"?: string;
      "error": components["schemas"]["TaskError"] | null;
      /** Tasks: all, ended, not there yet, and those in each state. */
      "counts": {
        "total": number;
        "done": number;
        "not_started": number;
      } & Record<string, number>;
      "labels": Record<string, string>;
      "callback"?: {
        "host": string;
        /** The id of a task. */
        "task_id": string;
      };
      "tree": components["schemas"]["CanvasNode"];
      /** The `from` of the next page; null: this is the last. */
      "next": number | null;
      "submitted_at": string | null;
      "expires": string | null;
      "finished_at": string | null;
    };
    "CanvasMember": {
      "type": "task";
      "task": string;
      "task_id": string;
      /** PENDING, STARTED, RETRY, SUSPENDED, SUCCESS, FAILURE, REVOKED, IGNORED; or one that the running task gave itself, as PROGRESS. */
      "state": string;
      "kwargs"?: unknown;
      "result"?: unknown;
      /** The result is not kept any longer. */
      "result_expired"?: boolean;
      /** Of a large result, bytes. */
      "result_size"?: number;
      /** Where a large result is to be had. */
      "result_url"?: string;
      "error"?: components["schemas"]["TaskError"] | null;
      "retries"?: number;
      /** It was replaced with a canvas: there it is. */
      "canvas_url"?: string;
      "finished_at"?: string | null;
      /** What undoes it, if the canvas fails later. */
      "undo"?: components["schemas"]["CanvasMember"];
    };
    "CanvasNode": components["schemas"]["CanvasMember"] | {
      "type": "chain" | "group";
      /** Null: some of it lies outside of the page. */
      "state": string | null;
      "members": (components["schemas"]["CanvasNode"])[];
      "size": number;
    } | {
      "type": "chord";
      /** Null: some of it lies outside of the page. */
      "state": string | null;
      "header": (components["schemas"]["CanvasNode"])[];
      "header_size": number;
      "body"?: components["schemas"]["CanvasNode"];
    };
    "Cart": {
      "items": ({
        "sku": string;
        "name": string;
        "quantity": number;
        "unitPrice": number;
        "currency": string;
        "amount": number;
      })[];
      "totals": ({
        "currency": string;
        "amount": number;
      })[];
      "updatedAt": string | null;
    };
    "CreatedOrder": {
      "message": string;
      "data": {
        "message": string;
        "orderId": string;
        "tasks": components["schemas"]["OrderTasks"];
      };
    };
    "DeadLetterAnswer": {
      /** The id of a task. */
      "id": string;
      "status": "replayed" | "discarded" | "gone" | "failed";
      /** The new task. */
      "task_id"?: string;
      "detail"?: string;
      "errors"?: (components["schemas"]["FieldError"])[];
    };
    "DeadLetterGroup": {
      "name": string;
      "exc_type": string;
      "count": number;
      "first_at": string;
      "last_at": string;
      /** Of some of them. */
      "ids": (string)[];
    };
    "Done": {
      "ok": string;
    };
    "Email": {
      /** What it was sent by: a task, or a key that tasks share. */
      "task_id": string;
      "template": string;
      "state": "pending" | "sending" | "sent" | "failed";
      "attempts": number;
      /** Why it was not sent, so far or at all. */
      "reason": string | null;
      "provider_id": string | null;
      "message_id": string | null;
      "to": string;
      "subject": string;
      "text": string;
      "html": string;
      /** ISO 8601, in UTC. */
      "created_at": string;
    };
    "EscrowBalance": {
      "funded": number;
      "held": number;
      "released": number;
      "refunded": number;
    };
    "EscrowCase": {
      "transaction_id": string;
      "buyer_id": number;
      "seller_id": number;
      "title": string;
      "amount": number;
      "currency": string;
      "state": "pending_funding" | "funded" | "in_progress" | "disputed" | "cancelled" | "refunded" | "completed";
      "created_at": string | null;
      "updated_at": string | null;
      "milestones": ({
        "number": number;
        "title": string;
        "amount": number;
        "state": string;
        "pending_since": string | null;
        "reject_reason": string | null;
      })[];
    };
    "EscrowChange": {
      "number": number;
      "event": string;
      /** Null: it is about the whole. */
      "milestone": number | null;
      "detail": string | null;
      /** The side that did it. */
      "by": string;
      "at": string | null;
    };
    "EscrowTransaction": {
      "transaction_id": string;
      "buyer_id": number;
      "seller_id": number;
      "title": string;
      "amount": number;
      "currency": string;
      "state": "pending_funding" | "funded" | "in_progress" | "disputed" | "cancelled" | "refunded" | "completed";
      "created_at": string | null;
      "updated_at": string | null;
    };
    "FieldError": {
      /** Dotted path from the body's root, or a header's or parameter's name. */
      "field": string;
      "message": string;
    };
    "File": {
      "file_id": string;
      "name": string;
      "kind": "products" | "orders" | "image";
      "content_type": string;
      /** Bytes. */
      "size": number;
      "state": string;
      "task_id": string | null;
      /** What its task made of it. */
      "result": unknown;
      /** ISO 8601, in UTC. */
      "created_at": string;
    };
    "Limits": {
      /** As `10/m`; null: none. */
      "rate_limit": string | null;
      /** How many run at once; null: no limit. */
      "concurrency": number | null;
    };
    "Message": {
      "message": string;
    };
    "Order": {
      "orderId": string;
      "userId": number;
      "totalAmount": number;
      "currency": string;
      "customerEmail": string;
      "state": "pending" | "paid" | "payment_failed" | "shipped" | "delivered" | "cancelled" | "refunded";
      "createdAt": string | null;
      "shippedAt": string | null;
      "deliveredAt": string | null;
      "cancelledAt": string | null;
      "refundedAt": string | null;
    };
    /** The tasks that creating an order set off. */
    "OrderTasks": {
      /** The id of a task. */
      "send_order_confirmation_email": string;
      /** The id of a task. */
      "process_payment": string;
      /** The id of a task. */
      "send_seller_notification"?: string;
    };
    "PaymentDifference": {
      "difference_id": string;
      "kind": string;
      "order_id": string | null;
      /** The gateway's name for the charge. */
      "reference": string | null;
      "shop": {
        "order_state": string | null;
        "payment_state": string | null;
        "amount": number | null;
        "currency": string | null;
      };
      "gateway": {
        "captured": number;
        "refunded": number;
        "currency": string | null;
      };
      /** The deployment resolved it by itself. */
      "mended": boolean;
      /** ISO 8601, in UTC. */
      "first_seen_at": string;
      /** ISO 8601, in UTC. */
      "last_seen_at": string;
      "resolved_at": string | null;
      "resolved_by": string | null;
      "note": string | null;
    };
    /** What is wrong: RFC 9457. */
    "Problem": {
      "type": string;
      "title": string;
      "status": number;
      /** What is wrong, for programs. */
      "code": string;
      /** What is wrong, for people. */
      "detail": string;
      /** What doesn't fit, field by field. */
      "errors"?: (components["schemas"]["FieldError"])[];
    };
    "Product": {
      "sku": string;
      "name": string;
      "price": number;
      "currency": string;
      "sellerId": number | null;
      /** ISO 8601, in UTC. */
      "updatedAt": string;
    };
    "Queue": {
      "name": string;
      /** Due. */
      "waiting": number;
      /** Not due yet. */
      "scheduled": number;
      "running": number;
      "oldest_waiting_since": string | null;
      /** Nothing is taken from it. */
      "is_cancelled": boolean;
      /** Where the deployment paused it by itself. */
      "paused_reason": string | null;
      "paused_since": string | null;
    };
    "Reconciliation": {
      /** ISO 8601, in UTC. */
      "from": string;
      /** ISO 8601, in UTC. */
      "until": string;
      "task_id": string | null;
      "checked_charges": number;
      "checked_payments": number;
      "differences": number;
      "mended": number;
      "new": number;
    };
    "RegisteredTask": {
      /** As `10/m`; null: none. */
      "rate_limit": string | null;
      /** How many run at once; null: no limit. */
      "concurrency": number | null;
      "name": string;
      "params": (string)[];
      "per_key": components["schemas"]["Limits"] | null;
      "soft_time_limit": number | null;
      "time_limit": number | null;
      /** Null: without end. */
      "max_retries": number | null;
    };
    "Report": {
      "kind": "daily" | "weekly";
      "period": string;
      /** The period was over when it was made. */
      "complete": boolean;
      /** ISO 8601, in UTC. */
      "created_at": string;
      "task_id": string;
    };
    "Review": {
      "id": number;
      /** Null: the order as a whole. */
      "sku": string | null;
      "rating": number;
      "text": string;
      /** ISO 8601, in UTC. */
      "createdAt": string;
      /** ISO 8601, in UTC. */
      "updatedAt": string;
    };
    "Schedule": {
      "name": string;
      "task": string;
      "args": (unknown)[];
      "kwargs": Record<string, unknown>;
      "crontab"?: {
        "minute": string;
        "hour": string;
        "day_of_month": string;
        "month_of_year": string;
        "day_of_week": string;
        "timezone": string;
      };
      "interval"?: {
        "every": number;
        "period": string;
      };
      "clocked"?: {
        "at": string | null;
      };
      "solar"?: {
        "event": string;
        "latitude": number;
        "longitude": number;
      };
      /** When it fires, for people. */
      "in_words": string;
      "enabled": boolean;
      "one_off": boolean;
      "start_time": string | null;
      "expires": string | null;
      "expire_seconds": number | null;
      "queue": string | null;
      "priority": number | null;
      "headers": Record<string, string>;
      "description": string;
      "missed": "skip" | "once" | {
        "all": number;
      };
      "overlap": "allow" | "skip" | "queue";
      /** Where it comes from. */
      "origin": "code" | "admin" | "retired";
      "next_run_at": string | null;
      "last_run_at": string | null;
      "total_run_count": number;
      "date_changed": string | null;
    };
    "ScheduleRun": {
      "slot": string | null;
      "kind": "slot" | "manual" | "backfill";
      "fired_at": string | null;
      /** How late it fired; null: it had no time of its own. */
      "drift_ms": number | null;
      /** Null: no task came of it, and `note` says why. */
      "task_id": string | null;
      "state": string | null;
      "duration_ms": number | null;
      "note": string | null;
    };
    "SellerVerification": {
      "user_id": number;
      /** NONE: never submitted. */
      "status": "NONE" | "PENDING" | "VERIFIED" | "REJECTED";
      "legal_name"?: string;
      "country"?: string;
      "details"?: string;
      "reason"?: string | null;
      "submitted_at"?: string | null;
      "decided_at"?: string | null;
    };
    "SentTask": {
      /** The id of a task. */
      "task_id": string;
      /** A call like this one was there: this is its task. */
      "duplicate"?: boolean;
      /** It took the place of a call like this one. */
      "replaced"?: boolean;
    };
    "Session": {
      "id": string;
      /** It is that of this request. */
      "is_current": boolean;
      "user_agent": string;
      /** ISO 8601, in UTC. */
      "created_at": string;
      /** ISO 8601, in UTC. */
      "expires_at": string;
    };
    /** A call of a task, or a canvas made of such calls. */
    "Signature": {
      "name": string;
      "args"?: (unknown)[];
      "kwargs"?: Record<string, unknown>;
      "immutable"?: boolean;
      /** Seconds from now until it is due. */
      "countdown"?: number;
      /** When it is due. */
      "eta"?: string;
      /** When it is not started any more: an instant, or seconds from now. */
      "expires"?: number | string;
      "queue"?: string;
      "priority"?: number;
      /** Null: without end. */
      "max_retries"?: number | null;
      "soft_time_limit"?: number;
      "time_limit"?: number;
      /** Its result is not kept. */
      "ignore_result"?: boolean;
      /** Seconds after its end for which its result may be read. */
      "result_expires"?: number;
      /** Whom it is for: keys share a queue fairly. */
      "key"?: string;
      "labels"?: Record<string, string>;
      /** Who is told, by a signed POST, that it has ended. */
      "callback_url"?: string;
      "link"?: (components["schemas"]["Signature"])[];
      "link_error"?: (components["schemas"]["Signature"])[];
      "undo"?: components["schemas"]["Signature"];
      "errors"?: "fail" | "collect";
      "unique"?: boolean | {
        "key"?: string;
        "for_seconds"?: number;
        "keep"?: "first" | "replace";
      };
      /** One call like this in so many seconds. */
      "throttle"?: number;
      /** It starts when no call like this came for so many seconds. */
      "debounce"?: number;
      "debounce_max"?: number;
    } | {
      "chain": (components["schemas"]["Signature"])[];
      "immutable"?: boolean;
      /** Seconds from now until it is due. */
      "countdown"?: number;
      /** When it is due. */
      "eta"?: string;
      /** When it is not started any more: an instant, or seconds from now. */
      "expires"?: number | string;
      "queue"?: string;
      "priority"?: number;
      /** Null: without end. */
      "max_retries"?: number | null;
      "soft_time_limit"?: number;
      "time_limit"?: number;
      /** Its result is not kept. */
      "ignore_result"?: boolean;
      /** Seconds after its end for which its result may be read. */
      "result_expires"?: number;
      /** Whom it is for: keys share a queue fairly. */
      "key"?: string;
      "labels"?: Record<string, string>;
      /** Who is told, by a signed POST, that it has ended. */
      "callback_url"?: string;
      "link"?: (components["schemas"]["Signature"])[];
      "link_error"?: (components["schemas"]["Signature"])[];
      "undo"?: components["schemas"]["Signature"];
      "errors"?: "fail" | "collect";
      "unique"?: boolean | {
        "key"?: string;
        "for_seconds"?: number;
        "keep"?: "first" | "replace";
      };
      /** One call like this in so many seconds. */
      "throttle"?: number;
      /** It starts when no call like this came for so many seconds. */
      "debounce"?: number;
      "debounce_max"?: number;
    } | {
      "group": (components["schemas"]["Signature"])[];
      "immutable"?: boolean;
      /** Seconds from now until it is due. */
      "countdown"?: number;
      /** When it is due. */
      "eta"?: string;
      /** When it is not started any more: an instant, or seconds from now. */
      "expires"?: number | string;
      "queue"?: string;
      "priority"?: number;
      /** Null: without end. */
      "max_retries"?: number | null;
      "soft_time_limit"?: number;
      "time_limit"?: number;
      /** Its result is not kept. */
      "ignore_result"?: boolean;
      /** Seconds after its end for which its result may be read. */
      "result_expires"?: number;
      /** Whom it is for: keys share a queue fairly. */
      "key"?: string;
      "labels"?: Record<string, string>;
      /** Who is told, by a signed POST, that it has ended. */
      "callback_url"?: string;
      "link"?: (components["schemas"]["Signature"])[];
      "link_error"?: (components["schemas"]["Signature"])[];
      "undo"?: components["schemas"]["Signature"];
      "errors"?: "fail" | "collect";
      "unique"?: boolean | {
        "key"?: string;
        "for_seconds"?: number;
        "keep"?: "first" | "replace";
      };
      /** One call like this in so many seconds. */
      "throttle"?: number;
      /** It starts when no call like this came for so many seconds. */
      "debounce"?: number;
      "debounce_max"?: number;
    } | {
      "chord": {
        "header"?: (components["schemas"]["Signature"])[] | components["schemas"]["Signature"];
        "body"?: components["schemas"]["Signature"];
      };
      "immutable"?: boolean;
      /** Seconds from now until it is due. */
      "countdown"?: number;
      /** When it is due. */
      "eta"?: string;
      /** When it is not started any more: an instant, or seconds from now. */
      "expires"?: number | string;
      "queue"?: string;
      "priority"?: number;
      /** Null: without end. */
      "max_retries"?: number | null;
      "soft_time_limit"?: number;
      "time_limit"?: number;
      /** Its result is not kept. */
      "ignore_result"?: boolean;
      /** Seconds after its end for which its result may be read. */
      "result_expires"?: number;
      /** Whom it is for: keys share a queue fairly. */
      "key"?: string;
      "labels"?: Record<string, string>;
      /** Who is told, by a signed POST, that it has ended. */
      "callback_url"?: string;
      "link"?: (components["schemas"]["Signature"])[];
      "link_error"?: (components["schemas"]["Signature"])[];
      "undo"?: components["schemas"]["Signature"];
      "errors"?: "fail" | "collect";
      "unique"?: boolean | {
        "key"?: string;
        "for_seconds"?: number;
        "keep"?: "first" | "replace";
      };
      /** One call like this in so many seconds. */
      "throttle"?: number;
      /** It starts when no call like this came for so many seconds. */
      "debounce"?: number;
      "debounce_max"?: number;
    } | {
      "map": {
        "task"?: components["schemas"]["Signature"];
        "items": (unknown)[];
      };
      "immutable"?: boolean;
      /** Seconds from now until it is due. */
      "countdown"?: number;
      /** When it is due. */
      "eta"?: string;
      /** When it is not started any more: an instant, or seconds from now. */
      "expires"?: number | string;
      "queue"?: string;
      "priority"?: number;
      /** Null: without end. */
      "max_retries"?: number | null;
      "soft_time_limit"?: number;
      "time_limit"?: number;
      /** Its result is not kept. */
      "ignore_result"?: boolean;
      /** Seconds after its end for which its result may be read. */
      "result_expires"?: number;
      /** Whom it is for: keys share a queue fairly. */
      "key"?: string;
      "labels"?: Record<string, string>;
      /** Who is told, by a signed POST, that it has ended. */
      "callback_url"?: string;
      "link"?: (components["schemas"]["Signature"])[];
      "link_error"?: (components["schemas"]["Signature"])[];
      "undo"?: components["schemas"]["Signature"];
      "errors"?: "fail" | "collect";
      "unique"?: boolean | {
        "key"?: string;
        "for_seconds"?: number;
        "keep"?: "first" | "replace";
      };
      /** One call like this in so many seconds. */
      "throttle"?: number;
      /** It starts when no call like this came for so many seconds. */
      "debounce"?: number;
      "debounce_max"?: number;
    } | {
      "starmap": {
        "task"?: components["schemas"]["Signature"];
        "items": (unknown)[];
      };
      "immutable"?: boolean;
      /** Seconds from now until it is due. */
      "countdown"?: number;
      /** When it is due. */
      "eta"?: string;
      /** When it is not started any more: an instant, or seconds from now. */
      "expires"?: number | string;
      "queue"?: string;
      "priority"?: number;
      /** Null: without end. */
      "max_retries"?: number | null;
      "soft_time_limit"?: number;
      "time_limit"?: number;
      /** Its result is not kept. */
      "ignore_result"?: boolean;
      /** Seconds after its end for which its result may be read. */
      "result_expires"?: number;
      /** Whom it is for: keys share a queue fairly. */
      "key"?: string;
      "labels"?: Record<string, string>;
      /** Who is told, by a signed POST, that it has ended. */
      "callback_url"?: string;
      "link"?: (components["schemas"]["Signature"])[];
      "link_error"?: (components["schemas"]["Signature"])[];
      "undo"?: components["schemas"]["Signature"];
      "errors"?: "fail" | "collect";
      "unique"?: boolean | {
        "key"?: string;
        "for_seconds"?: number;
        "keep"?: "first" | "replace";
      };
      /** One call like this in so many seconds. */
      "throttle"?: number;
      /** It starts when no call like this came for so many seconds. */
      "debounce"?: number;
      "debounce_max"?: number;
    } | {
      "chunks": {
        "task"?: components["schemas"]["Signature"];
        "items": (unknown)[];
        "size": number;
      };
      "immutable"?: boolean;
      /** Seconds from now until it is due. */
      "countdown"?: number;
      /** When it is due. */
      "eta"?: string;
      /** When it is not started any more: an instant, or seconds from now. */
      "expires"?: number | string;
      "queue"?: string;
      "priority"?: number;
      /** Null: without end. */
      "max_retries"?: number | null;
      "soft_time_limit"?: number;
      "time_limit"?: number;
      /** Its result is not kept. */
      "ignore_result"?: boolean;
      /** Seconds after its end for which its result may be read. */
      "result_expires"?: number;
      /** Whom it is for: keys share a queue fairly. */
      "key"?: string;
      "labels"?: Record<string, string>;
      /** Who is told, by a signed POST, that it has ended. */
      "callback_url"?: string;
      "link"?: (components["schemas"]["Signature"])[];
      "link_error"?: (components["schemas"]["Signature"])[];
      "undo"?: components["schemas"]["Signature"];
      "errors"?: "fail" | "collect";
      "unique"?: boolean | {
        "key"?: string;
        "for_seconds"?: number;
        "keep"?: "first" | "replace";
      };
      /** One call like this in so many seconds. */
      "throttle"?: number;
      /** It starts when no call like this came for so many seconds. */
      "debounce"?: number;
      "debounce_max"?: number;
    } | {
      "task": string;
      "args"?: (unknown)[];
      "kwargs"?: Record<string, unknown>;
      "options"?: Record<string, unknown>;
      "subtask_type"?: string | null;
      "immutable"?: boolean;
      "chord_size"?: number | null;
    };
    "SignedIn": {
      "message": string;
      "user_id": number;
      "username": string;
      /** A secret: whoever has it is signed in. */
      "token": string;
      /** ISO 8601, in UTC. */
      "expires_at": string;
    };
    "StartedOrder": {
      "orderId": string;
      "userId": number;
      "totalAmount": number;
      "currency": string;
      "customerEmail": string;
      "state": "pending" | "paid" | "payment_failed" | "shipped" | "delivered" | "cancelled" | "refunded";
      "createdAt": string | null;
      "shippedAt": string | null;
      "deliveredAt": string | null;
      "cancelledAt": string | null;
      "refundedAt": string | null;
      "tasks": components["schemas"]["OrderTasks"];
    };
    "StartedTask": {
      /** The id of a task. */
      "task_id": string;
    };
    "Suppression": {
      "address": string;
      "reason": "hard_bounce" | "unsubscribed";
      "detail": string | null;
      /** ISO 8601, in UTC. */
      "created_at": string;
    };
    "Task": {
      /** The id of a task. */
      "task_id": string;
      "name": string;
      /** PENDING, STARTED, RETRY, SUSPENDED, SUCCESS, FAILURE, REVOKED, IGNORED; or one that the running task gave itself, as PROGRESS. */
      "state": string;
      "queue": string;
      "priority": number;
      /** Empty: arguments are kept by name. */
      "args": (unknown)[];
      /** The arguments by name; secret ones read `[secret]`. */
      "kwargs": unknown;
      "options": components["schemas"]["TaskOptions"];
      /** Null: none yet, or elsewhere. */
      "result": unknown;
      /** The result is not kept any longer. */
      "result_expired"?: boolean;
      /** Of a large result, bytes. */
      "result_size"?: number;
      /** Where a large result is to be had. */
      "result_url"?: string;
      /** Of a state that the task gave itself. */
      "meta": unknown;
      "error": components["schemas"]["TaskError"] | null;
      /** Null for those who don't operate the deployment. */
      "traceback": string | null;
      "retries": number;
      "attempts": (components["schemas"]["TaskAttempt"])[];
      "steps"?: (components["schemas"]["TaskStep"])[];
      "submitted_at": string | null;
      "eta": string | null;
      "expires": string | null;
      "finished_at": string | null;
      "dead_lettered": boolean;
      /** Of all tasks that came of one request: 32 hex digits. */
      "trace_id": string;
      /** What became of a dead letter. */
      "resolution": string | null;
      "waiting": components["schemas"]["TaskWaiting"] | null;
    };
    "TaskAttempt": {
      "attempt": number;
      "started_at": string | null;
      "finished_at": string | null;
      /** Null: it runs. */
      "outcome": "success" | "retry" | "failure" | "lost" | "revoked" | "suspended" | "ignored" | null;
      "error": {
        "exc_type": string;
        "exc_message": string;
        /** For those who operate the deployment. */
        "traceback"?: string | null;
      } | null;
      "logs"?: ({
        "at": string | null;
        "level": string;
        "message": string;
        "fields"?: unknown;
      })[];
    };
    "TaskCall": {
      "name": string;
      "args"?: (unknown)[];
      "kwargs"?: Record<string, unknown>;
      /** Seconds from now until it is due. */
      "countdown"?: number;
      /** When it is due. */
      "eta"?: string;
      /** When it is not started any more: an instant, or seconds from now. */
      "expires"?: number | string;
      "queue"?: string;
      "priority"?: number;
      /** Null: without end. */
      "max_retries"?: number | null;
      "soft_time_limit"?: number;
      "time_limit"?: number;
      /** Its result is not kept. */
      "ignore_result"?: boolean;
      /** Seconds after its end for which its result may be read. */
      "result_expires"?: number;
      /** Whom it is for: keys share a queue fairly. */
      "key"?: string;
      "labels"?: Record<string, string>;
      /** Who is told, by a signed POST, that it has ended. */
      "callback_url"?: string;
      "link"?: (components["schemas"]["Signature"])[];
      "link_error"?: (components["schemas"]["Signature"])[];
      "undo"?: components["schemas"]["Signature"];
      "errors"?: "fail" | "collect";
      "unique"?: boolean | {
        "key"?: string;
        "for_seconds"?: number;
        "keep"?: "first" | "replace";
      };
      /** One call like this in so many seconds. */
      "throttle"?: number;
      /** It starts when no call like this came for so many seconds. */
      "debounce"?: number;
      "debounce_max"?: number;
    };
    "TaskError": {
      "exc_type": string;
      "exc_message": string;
    };
    "TaskOptions": {
      "max_retries"?: number | null;
      "soft_time_limit"?: number;
      "time_limit"?: number;
      "ignore_result"?: boolean;
      "key"?: string;
      "result_expires"?: number;
      /** The slot of the schedule that called it. */
      "slot"?: string;
      "labels"?: Record<string, string>;
      /** The dead letter that it replays. */
      "replay_of"?: string;
      "link"?: ({
        "task": string;
        /** The id of a task. */
        "task_id": string;
      })[];
      "link_error"?: ({
        "task": string;
        /** The id of a task. */
        "task_id": string;
      })[];
      "callback"?: {
        "host": string;
        /** The id of a task. */
        "task_id": string;
      };
      /** The canvas that it is a member of. */
      "canvas_id"?: string;
    };
    "TaskStatus": {
      /** The id of a task. */
      "task_id": string;
      /** PENDING, STARTED, RETRY, SUSPENDED, SUCCESS, FAILURE, REVOKED, IGNORED; or one that the running task gave itself, as PROGRESS. */
      "status": string;
      "result": unknown;
      /** The result is not kept any longer. */
      "result_expired"?: boolean;
      /** Of a large result, bytes. */
      "result_size"?: number;
      /** Where a large result is to be had. */
      "result_url"?: string;
    };
    "TaskStep": {
      "kind": string;
      "name": string;
      "state": string;
      "tries": number;
      "until": string | null;
      "error": components["schemas"]["TaskError"] | null;
      "started_at": string | null;
      "finished_at": string | null;
    };
    "TaskWaiting": {
      "reason": "sleep" | "step_retry" | "event" | "members" | "eta" | "paused" | "shutdown" | "history_behind" | "rate_limit" | "concurrency" | "suspect" | "backlog";
      "name"?: string;
      "until"?: string | null;
      "queue"?: string;
      "key"?: string | null;
      "limit"?: number;
      /** Who runs; how many do, for those who don't operate the deployment. */
      "holders"?: (string)[] | number;
      "ahead"?: number;
    };
    "WholeEscrowCase": {
      "transaction_id": string;
      "buyer_id": number;
      "seller_id": number;
      "title": string;
      "amount": number;
      "currency": string;
      "state": "pending_funding" | "funded" | "in_progress" | "disputed" | "cancelled" | "refunded" | "completed";
      "created_at": string | null;
      "updated_at": string | null;
      "milestones": ({
        "number": number;
        "title": string;
        "amount": number;
        "state": string;
        "pending_since": string | null;
        "reject_reason": string | null;
      })[];
      "balance": components["schemas"]["EscrowBalance"];
      "history": (components["schemas"]["EscrowChange"])[];
    };
    "WholeOrder": {
      "orderId": string;
      "userId": number;
      "totalAmount": number;
      "currency": string;
      "customerEmail": string;
      "state": "pending" | "paid" | "payment_failed" | "shipped" | "delivered" | "cancelled" | "refunded";
      "createdAt": string | null;
      "shippedAt": string | null;
      "deliveredAt": string | null;
      "cancelledAt": string | null;
      "refundedAt": string | null;
      "payment": {
        "state": string;
        "provider": string;
        /** The provider's name for the charge. */
        "reference": string | null;
        "declineReason": string | null;
        /** Why the last refund was refused. */
        "refusalReason": string | null;
      } | null;
      "items": ({
        "sku": string | null;
        "name": string;
        "quantity": number;
        "unitPrice": number;
        "sellerId": number | null;
      })[];
      "tasks": components["schemas"]["OrderTasks"];
    };
  };
}

/** The arguments of every task, by its name. */
export interface tasks {
  "send_welcome_email": {
    "user_id": number;
  };
  "send_password_reset_email": {
    "user_id": number;
  };
  "cleanup_expired_tokens": Record<string, never>;
  "send_order_confirmation_email": {
    "order_id": string;
    "customer_email": string;
  };
  "send_order_confirmation": {
    "order_id": string;
  };
  "send_seller_notification": {
    "order_id": string;
  };
  "process_payment": {
    "order_id": string;
  };
  "refund_payment": {
    "order_id": string;
  };
  "process_payment_callback": {
    "event_id": string;
  };
  "settle_unknown_payments": {
    "after"?: string;
  };
  "reconcile_payments": {
    "days"?: number | null;
    "run"?: {
      "runAt": number;
      "until": number;
      "from": number;
      "at": number;
      "checkedCharges": number;
      "checkedPayments": number;
    } | null;
  };
  "cleanup_old_carts": Record<string, never>;
  "send_review_reminder": {
    "order_id": string;
  };
  "send_transaction_notification": {
    "transaction_id": string;
    "notification_type": "created" | "funded" | "in_progress" | "disputed" | "cancelled" | "refunded" | "completed" | "milestone_submitted" | "milestone_approved" | "milestone_rejected";
    "change"?: number;
  };
  "send_verification_notification": {
    "user_id": number;
    "verification_status": "PENDING" | "VERIFIED" | "REJECTED";
    "change"?: number;
  };
  "send_daily_transaction_summary": {
    "after"?: number;
    "date"?: string;
  };
  "cleanup_old_pending_transactions": {
    "after"?: number;
  };
  "check_overdue_milestones": {
    "after"?: number;
  };
  "send_admin_notification": {
    "subject"?: string | null;
    "message": unknown;
  };
  "post_alert": {
    "subject": string;
    "message": string;
  };
  "send_email_notification": {
    "subject": string;
    "message": string;
    "recipient_list": (string)[];
  };
  "send_bulk_notifications": {
    "subject": string;
    "message": string;
    "user_ids"?: (number)[];
    "emails"?: (string)[];
    "audience"?: "all" | "user" | "admin";
  };
  "send_notification_chunk": {
    "bulk_id": string;
    "chunk": number;
  };
  "sum_notifications": {
    "chunks": ({
      "sent_count": number;
      "failed_count": number;
      "failed_emails": (string)[];
      "skipped_count"?: number;
    } | {
      "error": unknown;
    })[];
    "bulk_id": string;
  };
  "send_pending_emails": {
    "now"?: boolean;
  };
  "process_file_upload": {
    "file_id": string;
  };
  "generate_daily_report": {
    "date"?: string;
  };
  "process_api_analytics": {
    "date"?: string;
  };
  "cleanup_old_logs": Record<string, never>;
  "backup_database": Record<string, never>;
  "restore_database": {
    "backup_id": string;
  };
  "cleanup_old_records": Record<string, never>;
  "deliver_callback": {
    "task_id": string;
    "url": string;
  };
  "process_data": {
    "data": string;
  };
}
